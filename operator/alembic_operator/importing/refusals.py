"""Tells what PostgreSQL refused, and whether it passes; without what may be a value."""

import re
import sqlite3

import asyncpg

from alembic_operator.importing.failures import Different, ImportFailed, TryAgain
from alembic_operator.importing.unfit import UnfitError

_QUOTE_VALUES = ("22", "23", "P0")
"""Classes of errors whose messages quote a row's values."""
_COPIED = re.compile(r"COPY (.+?), line (\d+)(?:, column (.+?): )?")
_PASSING = ("08", "40", "53", "57")
"""Classes of errors that pass: of the connection, of others' transactions, of resources, of a server that restarts."""
NOT_FIT = (
    Different,
    UnfitError,
    UnicodeError,
    sqlite3.OperationalError,
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
)
"""What a load ends with when a value cannot be carried over."""


def told(error: asyncpg.PostgresError) -> str:
    """Return what PostgreSQL says without what may be a value: of data and constraints only the names are told."""
    copied = _COPIED.match(error.context or "")
    table, line, column = copied.groups(default="") if copied else ("", "", "")
    named = {"table": error.table_name or table, "column": error.column_name or column}
    named |= {"constraint": error.constraint_name or "", "line": line}
    where = ", ".join(f"{what} {name}" for what, name in named.items() if name)
    quotes = str(error.sqlstate)[:2] in _QUOTE_VALUES
    said = where if quotes else str(error.args[0])
    return f"PostgreSQL refused it: {error.sqlstate} {type(error).__name__} {said}".rstrip() + "; nothing half is there"


def refused(error: asyncpg.PostgresError) -> ImportFailed:
    """Return what is raised of an error."""
    passing = str(error.sqlstate)[:2] in _PASSING
    return (TryAgain if passing else ImportFailed)(told(error))
