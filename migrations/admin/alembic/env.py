"""Run the revisions of the admin service in the schema `admin`, which this file makes and looks in by itself."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

SCHEMA = os.environ.get("ADMIN_SCHEMA", "admin")


def run_migrations_online() -> None:
    """Connect, set the session up, and run what is pending."""
    engine = create_engine(os.environ["DATABASE_URI"], poolclass=pool.NullPool)
    with engine.connect() as connection:
        connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{SCHEMA}"'))
        connection.execute(text(f'SET search_path TO "{SCHEMA}", public'))
        # From here on SQLAlchemy 2 is in a transaction that Alembic takes for somebody else's: `alembic upgrade` would
        # run everything, end without an error, and leave nothing behind. The runner commits it.
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=os.environ["DATABASE_URI"], literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    run_migrations_online()
