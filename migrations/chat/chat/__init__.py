"""The chat service: a very small web application with its own Alembic project."""
