"""Tells what PostgreSQL refused, and whether it passes; without what may be a value."""

import re
import sqlite3

import asyncpg

from alembic_operator.api.reasons import Reason
from alembic_operator.importing.facts.failures import Different, ImportFailed, TryAgain
from alembic_operator.importing.facts.unfit import UnfitError

_QUOTE_VALUES = ("22", "23", "P0")
"""Classes of errors whose messages quote a row's values."""
_COPIED = re.compile(r"COPY (.+?), line (\d+)(?:, column (.+?): )?")
_PASSING = ("08", "40", "53", "55P03", "57")
"""Errors that pass: of the connection, of others' transactions and locks, of resources, of a server that restarts."""
_REASONS = {
    "22023": Reason.ROLE_NOT_FOUND,
    "25006": Reason.READ_ONLY_DATABASE,
    "28": Reason.AUTHENTICATION_FAILED,
    "3D000": Reason.DATABASE_NOT_FOUND,
    "40": Reason.CONFLICT,
    "42501": Reason.PERMISSION_DENIED,
    "53": Reason.RESOURCES_EXHAUSTED,
    "55P03": Reason.LOCK_TIMEOUT,
}
"""SQLSTATEs, or their beginnings, of what keeps a session from its work."""
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
    refused = (
        f"PostgreSQL refused it: {error.sqlstate} {type(error).__name__} {said}".rstrip() + "; nothing half is there"
    )
    broken = error.constraint_name and str(error.sqlstate).startswith("23")
    return f"{refused}. Correct the rows that break {error.constraint_name} in the file" if broken else refused


OF_THE_SERVER = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""What a session with PostgreSQL ends with."""


def refused(error: BaseException) -> ImportFailed:
    """Return what is raised of such an error."""
    if not isinstance(error, asyncpg.PostgresError):
        said = "the connection to PostgreSQL has gone; nothing half is there"
        return TryAgain(said, str(Reason.DATABASE_UNREACHABLE))
    return (
        TryAgain(told(error), reason(error)) if str(error.sqlstate).startswith(_PASSING) else ImportFailed(told(error))
    )


def reason(error: BaseException) -> str:
    """Return the reason for which nobody could be asked, as conditions have it; empty: the words must do."""
    code = str(getattr(error, "sqlstate", None) or "")
    found = next((one for known, one in _REASONS.items() if code.startswith(known)), None)
    return str(found or ("" if code and not code.startswith(("08", "57")) else Reason.DATABASE_UNREACHABLE))
