"""One table: its rows written into PostgreSQL, read back, and compared."""
