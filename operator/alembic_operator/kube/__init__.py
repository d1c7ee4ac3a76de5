"""Read from and write to the API server; the only importer of `kubernetes`."""
