"""The public API: the resource, its schema and the reasons that its conditions give."""
