"""What a person should do next: one table, a line for each kind of error."""
