"""Run the revisions of the blog service: over asyncpg, or on a developer's machine in a SQLite file."""

import asyncio
from logging.config import fileConfig

from alembic import context
from blog.settings import USE_POSTGRES, database_url
from sqlalchemy import pool
from sqlalchemy.engine import Connection
from sqlalchemy.ext.asyncio import create_async_engine

if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name)


def do_run_migrations(connection: Connection) -> None:
    """Run them on one connection."""
    context.configure(connection=connection, render_as_batch=not USE_POSTGRES)
    with context.begin_transaction():
        context.run_migrations()


async def run_async_migrations() -> None:
    """Connect, and run what is pending."""
    connectable = create_async_engine(database_url(), poolclass=pool.NullPool)
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
    await connectable.dispose()


if context.is_offline_mode():
    context.configure(url=str(database_url()), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()
else:
    asyncio.run(run_async_migrations())
