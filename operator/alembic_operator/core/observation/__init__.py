"""What was seen of the cluster: one module for each kind of object, with what is kept of it and how that is read."""
