"""Run Alembic in the migration pod; standard library and the user's own Alembic only."""
