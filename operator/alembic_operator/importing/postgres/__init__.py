"""The connection to PostgreSQL: what its catalogue says, and what it refuses."""
