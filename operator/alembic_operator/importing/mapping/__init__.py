"""How a value of SQLite is written as PostgreSQL prints it, and which column goes into which."""
