"""Run the revisions of the chat service: over asyncpg, or on a developer's machine in a SQLite file."""

import asyncio
import os
from logging.config import fileConfig

from alembic import context
from sqlalchemy import pool
from sqlalchemy.engine import URL, Connection
from sqlalchemy.ext.asyncio import create_async_engine

if context.config.config_file_name is not None:
    fileConfig(context.config.config_file_name)

USE_POSTGRES = os.environ.get("USE_POSTGRES", "false").lower() in ("1", "true", "yes")


def database_url() -> "str | URL":
    """Return PostgreSQL's address when it is switched on; a forgotten switch means SQLite."""
    if not USE_POSTGRES:
        return "sqlite+aiosqlite:///chat.db"
    return URL.create(
        "postgresql+asyncpg",
        username=os.environ.get("POSTGRES_USER", "postgres"),
        password=os.environ.get("POSTGRES_PASSWORD", "postgres"),
        host=os.environ.get("POSTGRES_HOST", "localhost"),
        port=int(os.environ.get("POSTGRES_PORT", "5432")),
        database=os.environ.get("POSTGRES_DB", "chat"),
    )


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
