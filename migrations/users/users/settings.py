"""Where the database is, from the environment; shared by the service and its Alembic project."""

import os

from sqlalchemy.engine import URL


def database_url() -> URL:
    """Return the address of the database, whatever characters the password has.

    Raises:
        RuntimeError: PostgreSQL is switched off, and the service knows no other database.
    """
    if os.environ.get("USE_POSTGRES", "").lower() not in ("1", "true", "yes"):
        raise RuntimeError("the users service keeps its users in PostgreSQL: set USE_POSTGRES=true")
    return URL.create(
        "postgresql+asyncpg",
        username=os.environ["POSTGRES_USER"],
        password=os.environ["POSTGRES_PASSWORD"],
        host=os.environ["POSTGRES_HOST"],
        port=int(os.environ.get("POSTGRES_PORT", "5432")),
        database=os.environ["POSTGRES_DB"],
    )
