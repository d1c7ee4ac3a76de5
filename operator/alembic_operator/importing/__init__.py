"""Carries the rows of a SQLite file over into PostgreSQL, and checks each; Alembic builds both schemas."""
