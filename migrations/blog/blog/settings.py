"""Where the posts are; shared by the service and its Alembic project."""

import os

from sqlalchemy.engine import URL, make_url

USE_POSTGRES = os.environ.get("USE_POSTGRES", "false").lower() in ("1", "true", "yes")


def database_url() -> URL:
    """Return PostgreSQL's address when it is switched on, else that of the SQLite file."""
    if not USE_POSTGRES:
        return make_url(f"sqlite+aiosqlite:///{os.environ.get('SQLITE_FILE', 'blog.db')}")
    url = make_url(os.environ.get("POSTGRES_URL", "postgresql+asyncpg://localhost/blog"))
    return url.set(username=os.environ.get("POSTGRES_USER"), password=os.environ.get("POSTGRES_PASSWORD"))
