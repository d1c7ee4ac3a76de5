"""PostgreSQL as the runner meets it: connections, sessions, locks and version tables."""
