"""Run the revisions of the tracing service, whose version table has a name and a schema of its own."""

import os

from alembic import context
from sqlalchemy import create_engine, pool, text

SCHEMA = "tracing"
URL = os.environ.get("TRACING_DATABASE_URL", "postgresql+psycopg2://tracing:tracing@localhost:5432/tracing")
CONFIGURED = {"version_table": "tracing_version", "version_table_schema": SCHEMA, "include_schemas": True}


def run_migrations_online() -> None:
    """Make the schema that the version table is to live in, then run what is pending."""
    engine = create_engine(URL, poolclass=pool.NullPool)
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    with engine.connect() as connection:
        context.configure(connection=connection, **CONFIGURED)
        with context.begin_transaction():
            context.run_migrations()


if context.is_offline_mode():
    context.configure(url=URL, literal_binds=True, **CONFIGURED)
    with context.begin_transaction():
        context.run_migrations()
else:
    run_migrations_online()
