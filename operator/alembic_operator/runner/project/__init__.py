"""The user's Alembic project: its configuration, env.py and revisions."""
