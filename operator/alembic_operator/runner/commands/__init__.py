"""What a run of the runner can do: one module for each command."""
