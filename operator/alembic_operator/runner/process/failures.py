"""Decide what an error means: its reason and its exit code."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, replace
from typing import Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import ExitCode, Failure
from alembic_operator.runner.process import causes, masking, wording
from alembic_operator.runner.process.causes import words
from alembic_operator.runner.process.hints import line

EXIT_CODES = {
    Reason.UP_TO_DATE: ExitCode.OK,
    Reason.PENDING: ExitCode.OK,
    Reason.DATABASE_AHEAD: ExitCode.OK,
    Reason.CONFIG_INVALID: ExitCode.USAGE,
    Reason.ALEMBIC_NOT_FOUND: ExitCode.USAGE,
    Reason.NOT_POSTGRESQL: ExitCode.USAGE,
    Reason.WRONG_DATABASE: ExitCode.USAGE,
    Reason.MULTIPLE_HEADS: ExitCode.SCRIPTS,
    Reason.UNKNOWN_TARGET: ExitCode.SCRIPTS,
    Reason.BROKEN_SCRIPTS: ExitCode.SCRIPTS,
    Reason.DATABASE_AHEAD_BLOCKED: ExitCode.DATABASE_AHEAD,
    Reason.DIVERGED: ExitCode.DATABASE_AHEAD,
    Reason.VERSION_TABLE_SHARED: ExitCode.DATABASE_AHEAD,
    Reason.UNKNOWN_REVISION: ExitCode.DATABASE_AHEAD,
    Reason.VERSION_TABLE_MISSING: ExitCode.FAILED,
    Reason.VERSION_TABLE_EMPTY: ExitCode.FAILED,
    Reason.VERSION_TABLE_DAMAGED: ExitCode.FAILED,
    Reason.PARTLY_APPLIED: ExitCode.FAILED,
    Reason.REVISION_FAILED: ExitCode.FAILED,
    Reason.ENV_FAILED: ExitCode.FAILED,
    Reason.NOT_COMMITTED: ExitCode.FAILED,
    Reason.DATABASE_UNREACHABLE: ExitCode.TRY_AGAIN,
    Reason.RESOURCES_EXHAUSTED: ExitCode.TRY_AGAIN,
    Reason.TEMPLATE_IN_USE: ExitCode.TRY_AGAIN,
    Reason.WAITING_FOR_LOCK: ExitCode.TRY_AGAIN,
    Reason.LOCK_TIMEOUT: ExitCode.TRY_AGAIN,
    Reason.CONFLICT: ExitCode.TRY_AGAIN,
    Reason.READ_ONLY_DATABASE: ExitCode.TRY_AGAIN,
    Reason.DEADLINE_EXCEEDED: ExitCode.TIME_LIMIT,
    Reason.STATEMENT_TIMEOUT: ExitCode.TIME_LIMIT,
    Reason.AUTHENTICATION_FAILED: ExitCode.REFUSED,
    Reason.DATABASE_NOT_FOUND: ExitCode.REFUSED,
    Reason.TENANT_NOT_FOUND: ExitCode.REFUSED,
    Reason.PERMISSION_DENIED: ExitCode.REFUSED,
    Reason.ROLE_NOT_FOUND: ExitCode.REFUSED,
    Reason.POOLED_CONNECTION: ExitCode.REFUSED,
    Reason.INTERRUPTED: ExitCode.TERMINATED,
}
"""The exit code of every reason that a Result can give."""


def exit_code(reason: str) -> ExitCode:
    """Return the exit code of a Result's reason."""
    return next(code for one, code in EXIT_CODES.items() if str(one) == reason)


@dataclass(frozen=True)
class Verdict:
    """Why a run ends."""

    reason: Reason
    failure: Failure

    @property
    def code(self) -> ExitCode:
        """Return the exit code that belongs to the reason."""
        return EXIT_CODES[self.reason]


class Ending(BaseException):
    """Ends the run for a reason. Not an Exception: an env.py that catches everything must not swallow it."""

    def __init__(self, reason: Reason, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.verdict = Verdict(reason, Failure(message=message, hint=hint))

    @staticmethod
    def of(verdict: Verdict) -> Ending:
        """Return the ending with a whole verdict."""
        ending = Ending(verdict.reason, verdict.failure.message)
        ending.verdict = verdict
        return ending


@dataclass(frozen=True)
class Scene:
    """Where the run was when an error came."""

    revision: str = ""
    """The revision that was running; empty: outside of all."""
    undoing: bool = False
    """Its downgrade() was."""
    server: str = ""
    """host:port/database of the server, for messages."""


_SQLSTATES = {
    "55P03": Reason.LOCK_TIMEOUT,
    "40001": Reason.CONFLICT,
    "40P01": Reason.CONFLICT,
    "55006": Reason.CONFLICT,
    "08": Reason.DATABASE_UNREACHABLE,
    "57P01": Reason.DATABASE_UNREACHABLE,
    "57P02": Reason.DATABASE_UNREACHABLE,
    "57P03": Reason.DATABASE_UNREACHABLE,
    "53": Reason.RESOURCES_EXHAUSTED,
    "25006": Reason.READ_ONLY_DATABASE,
    "28": Reason.AUTHENTICATION_FAILED,
    "3D000": Reason.DATABASE_NOT_FOUND,
    "42501": Reason.PERMISSION_DENIED,
    "25P03": Reason.STATEMENT_TIMEOUT,
    "25P04": Reason.STATEMENT_TIMEOUT,
    "57P05": Reason.STATEMENT_TIMEOUT,
}
"""By the whole code or its class; everything else is the revision's own fault."""

_NO_WAY = (errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETUNREACH, errno.ENETDOWN, errno.ENETRESET)
"""Python has no classes for these."""

_SEVERAL = "Connect call failed"
"""asyncio says it, without a number, where a name had several addresses."""

_DRIVERS = ("psycopg", "psycopg2", "asyncpg", "pg8000")

_OLD_TIMEOUTS = ("asyncio.exceptions", "concurrent.futures._base")
"""Until Python 3.11 they are no TimeoutError."""

_CONNECT_CODES = ("", "08P01", "08003")
"""With these PgBouncer says what the server says with codes of their own."""

_POOLER_CODES = ("26000", "42P05")
"""A prepared statement is gone, or there already: it is somebody else's session."""

_VERSION_COLUMN = "version_num"
"""No column of that name: what stands where the version table should be is another table."""

_POOLER = re.compile(r"unsupported startup parameter|in statement pooling mode")


def sqlstate(error: BaseException) -> str:
    """Return PostgreSQL's error code, whichever driver carries it; empty when the server sent none."""
    for one in causes.chain(error):
        for name in ("sqlstate", "pgcode"):
            if isinstance(code := getattr(one, name, None), str) and code:
                return code
        if code := causes.fields(one).get("C", ""):
            return code
    return ""


def first_line(error: BaseException) -> str:
    """Return the first line of what the server or Python said, without the driver's wrapping."""
    inner = getattr(error, "orig", None) or error
    lines = words(inner).strip().splitlines()
    text = lines[0] if lines else type(inner).__name__
    code = sqlstate(error)
    text = masking.without_values(re.sub(r"^<class '[^']*'>: ", "", text), code)
    if code or is_database_error(inner):
        return text
    text = "; ".join((text, *causes.listed(inner)))
    return f"{type(inner).__name__}: {text}" if lines else text


def is_database_error(error: BaseException) -> bool:
    """Tell whether a driver, or SQLAlchemy for it, raised the error."""
    modules = [kind.__module__ for kind in type(error).__mro__]
    return any(one.startswith("sqlalchemy.dialects.") or one.split(".")[0] in _DRIVERS for one in modules)


def classify(error: BaseException, scene: Scene) -> Verdict:
    """Decide what an error of env.py, a revision or a driver means."""
    for one in causes.chain(error):
        if isinstance(one, Ending):
            return _at(one.verdict, scene)
    error = causes.first(error)
    code = sqlstate(error)
    if not scene.revision and code in _CONNECT_CODES:
        code = wording.connect_sqlstate(words(error)) or code
    reason = _reason(error, code, scene)
    past = line.PAST if scene.revision and not _is_of_sqlalchemy(error) else ""
    failure = Failure(
        message=_message(error, code, scene),
        sqlstate=code,
        revision=scene.revision,
        statement=masking.statement(str(getattr(error, "statement", None) or "")),
        hint=_hint(lambda table: table.of(error, reason, code, line.UNDOING if scene.undoing else past)),
    )
    return Verdict(reason, failure)


def is_there(error: BaseException) -> bool:
    """Tell whether the server itself refused a connection: it can be asked again, for the way to it has not ended.

    A refused password says nothing of that: it may have been env.py's for a short time.
    """
    code = classify(error, Scene()).failure.sqlstate
    return bool(code) and not code.startswith(("08", "28"))


def unreachable(verdict: Verdict, scene: Scene) -> Verdict:
    """Return the verdict on a connection that could not be made, for a reason that says nothing of env.py."""
    text = verdict.failure.message
    message = text if scene.server in text else f"{scene.server}: {text}"
    hint = _hint(lambda table: table.hint(line.Case(Reason.DATABASE_UNREACHABLE, text=text)))
    return Verdict(Reason.DATABASE_UNREACHABLE, replace(verdict.failure, message=message, hint=hint))


def _hint(ask: Callable[[Any], str]) -> str:
    """Ask the table of hints, which only an error needs; no file can be opened any more where files are the error."""
    try:
        from alembic_operator.runner.process.hints import table  # noqa: PLC0415
    except (ImportError, OSError):
        return ""
    return ask(table)


def _at(verdict: Verdict, scene: Scene) -> Verdict:
    return replace(verdict, failure=replace(verdict.failure, revision=verdict.failure.revision or scene.revision))


def _reason(error: BaseException, code: str, scene: Scene) -> Reason:
    if not scene.revision and _is_of_pooler(error, code):
        return Reason.POOLED_CONNECTION
    found = _SQLSTATES.get(code) or _SQLSTATES.get(code[:2])
    if code == "57014" and "statement timeout" in words(error):
        found = Reason.STATEMENT_TIMEOUT
    if code == "42703" and not scene.revision and _VERSION_COLUMN in words(error):
        found = Reason.VERSION_TABLE_DAMAGED
    if code == "22023" and not scene.revision and "role" in words(error):
        found = Reason.ROLE_NOT_FOUND
    if not code and is_connection_lost(error):
        found = Reason.DATABASE_UNREACHABLE
    if wording.is_of_catalog(code, first_line(error)):
        found = Reason.CONFLICT
    if wording.is_of_own_session(code, words(error)):
        found = None
    if found:
        return found
    if scene.revision:
        return Reason.REVISION_FAILED
    return Reason.BROKEN_SCRIPTS if causes.loading(error) else Reason.ENV_FAILED


def _is_of_sqlalchemy(error: BaseException) -> bool:
    """Tell whether it came through an engine."""
    return any(type(one).__module__.startswith("sqlalchemy.") for one in causes.chain(error))


def is_connection_lost(error: BaseException) -> bool:
    """Tell whether an error without SQLSTATE says that there is no connection (any more)."""
    if getattr(error, "connection_invalidated", False):
        return True
    for one in causes.chain(error):
        if _is_of_socket(one):
            return True
        if is_database_error(one) and wording.is_of_connection(words(one)):
            return True
    return False


def _is_of_socket(error: BaseException) -> bool:
    if isinstance(error, OSError):
        known = isinstance(error, (ConnectionError, TimeoutError)) or type(error).__name__ == "gaierror"
        several = type(error) is OSError and _SEVERAL in words(error)
        return known or several or error.errno in _NO_WAY
    return type(error).__name__ == "TimeoutError" and type(error).__module__ in _OLD_TIMEOUTS


def _is_of_pooler(error: BaseException, code: str) -> bool:
    return code in _POOLER_CODES or bool(_POOLER.search(words(error)))


def _message(error: BaseException, code: str, scene: Scene) -> str:
    """Return the first line; revision and SQLSTATE have fields of their own."""
    text = first_line(error)
    if scene.revision:
        return text
    if file := causes.loading(error):
        return f"{file} cannot be loaded: {text}"
    if _is_of_pooler(error, code):
        return f"a connection pooler is in the way: {text}"
    if scene.server and (is_connection_lost(error) or code[:2] in ("28", "3D", "53", "57")):
        return f"{scene.server}: {text}"
    return text
