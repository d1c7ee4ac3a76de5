"""Judge pods that wait for a migration, or run it before they start."""
