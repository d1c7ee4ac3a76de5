"""Where the conversations are; shared by the service and its Alembic project."""

import os

from sqlalchemy.engine import URL, make_url

USE_POSTGRES = os.environ.get("USE_POSTGRES", "false").lower() in ("1", "true", "yes")


def database_url() -> URL:
    """Return PostgreSQL's address when it is switched on; a forgotten switch means a SQLite file, where one works."""
    if not USE_POSTGRES:
        return make_url("sqlite+aiosqlite:///chat.db")
    return URL.create(
        "postgresql+asyncpg",
        username=os.environ.get("POSTGRES_USER", "postgres"),
        password=os.environ.get("POSTGRES_PASSWORD", "postgres"),
        host=os.environ.get("POSTGRES_HOST", "localhost"),
        port=int(os.environ.get("POSTGRES_PORT", "5432")),
        database=os.environ.get("POSTGRES_DB", "chat"),
    )
