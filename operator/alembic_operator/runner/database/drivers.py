"""The drivers that the runner works with, by the names that SQLAlchemy's dialects have for them."""

from __future__ import annotations

from typing import Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending

KNOWN = ("psycopg", "psycopg_async", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000")


def of(dialect: Any) -> str:
    """Return the name of a dialect's driver, or of the known one that it is made from.

    Raises:
        Ending: ConfigInvalid, for any other one: neither its errors nor its arguments are understood.
    """
    for kind in type(dialect).__mro__:
        if (name := vars(kind).get("driver")) in KNOWN:
            return str(name)
    message = f"env.py connects with the driver {dialect.driver}, which the runner does not know"
    raise Ending(Reason.CONFIG_INVALID, message, "Let env.py use psycopg2, psycopg, asyncpg or pg8000.")
