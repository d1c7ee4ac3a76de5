"""What is sent to the API server: the Job of a run."""
