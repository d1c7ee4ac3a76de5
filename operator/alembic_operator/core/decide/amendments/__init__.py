"""What may change a decision before it is carried out, each in a module."""
