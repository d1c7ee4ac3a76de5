"""The users service: a small web application with its own Alembic project."""
