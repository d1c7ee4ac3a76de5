"""Say what a person should do next."""

from __future__ import annotations

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process import advice
from alembic_operator.runner.process.advice import AGAIN
from alembic_operator.runner.process.causes import chain, words

__all__ = ["AGAIN"]  # for those who have hints of their own

_HINTS = {
    Reason.LOCK_TIMEOUT: "Other sessions lock the table (pg_stat_activity); or give more spec.policy.lockTimeout.",
    Reason.VERSION_TABLE_DAMAGED: "Another table has the version table's name: rename it, or its column to version_num;"
    f" or give the version table another name or schema (version_table, version_table_schema).{AGAIN}",
    Reason.CONFLICT: "The revision was rolled back; it is tried again.",
    Reason.DATABASE_UNREACHABLE: "Check the host, the port and that the server is up; it is tried again.",
    Reason.RESOURCES_EXHAUSTED: "Give the server room (disk, memory, or max_connections and the limits of role "
    "and database, as the message says); it is tried again.",
    Reason.AUTHENTICATION_FAILED: "Correct the user or the password in the Secret; the next attempt takes it.",
    Reason.DATABASE_NOT_FOUND: "Create the database, or correct its name.",
    Reason.PERMISSION_DENIED: "Grant the right to the user, or set spec.database.role to the owner of the tables.",
    Reason.ROLE_NOT_FOUND: "Create it, or correct spec.database.role; it is looked for again.",
    Reason.POOLED_CONNECTION: "Give the server's own address; or that of a pool in session mode, and take startup "
    "parameters (options, server_settings) out of env.py or into the pooler's ignore_startup_parameters.",
    Reason.READ_ONLY_DATABASE: "Connect to the primary; this server is a standby or read-only.",
    Reason.STATEMENT_TIMEOUT: "Give more spec.policy.statementTimeout, or split the statement.",
    Reason.BROKEN_SCRIPTS: "Correct the file, or give it what it needs to load; the pod's log has the traceback.",
    Reason.ENV_FAILED: "The pod's log has the traceback; the application may need more of its environment variables.",
}
_READ = 2_000
"""Characters of an error's words: SQLAlchemy puts the whole statement behind them."""
_BOUNDED_ELSEWHERE = ("25P03", "25P04", "57P05")
EXISTS_ALREADY = ("42P07", "42701", "42710", "42P06")
"""A table, a column, another object or a schema of that name is there."""
_DRIFT = (
    f"The object exists already: a half-applied revision or a change by hand. Remove it, or stamp the database.{AGAIN}"
)
_GONE = "The object does not exist: a half-applied revision removed it already, a change by hand did, or it never was."
_NEEDS_AUTOCOMMIT = {
    "25001": "It cannot run in a transaction. Write `with op.get_context().autocommit_block():` around it, for example"
    " around op.create_index(..., postgresql_concurrently=True).",
    "55P04": "A new value of an enum can be used only after it is committed. Write `with"
    " op.get_context().autocommit_block():` around the ALTER TYPE, or use the value in a revision of its own.",
}
_REVISION_HINT = "Correct the revision and deploy a new image; the database stays at the revision before."
_PAST_SQLALCHEMY = (
    " A connection that the revision made by itself, past SQLAlchemy, goes where the application's settings say and not"
    " where spec.database does."
)
_UNDOING_HINT = (
    "Correct its downgrade() in a new image, or choose a target above it; the database stays at this revision."
)


def hint(
    reason: Reason, code: str = "", error: BaseException | None = None, *, undoing: bool = False, past: bool = False
) -> str:
    """Return what to do about a failure; `undoing` in a downgrade(), `past` SQLAlchemy in a revision."""
    if past and reason is Reason.DATABASE_UNREACHABLE:
        return _HINTS[reason] + _PAST_SQLALCHEMY
    if code in _BOUNDED_ELSEWHERE:
        return "A timeout that the role, the database or env.py sets ended the session: give more there."
    if error and (found := advice.known(reason, _read(error))):
        return found
    if reason is not Reason.REVISION_FAILED:
        return _HINTS.get(reason, "")
    if code == "57014":
        return "Somebody cancelled the statement (pg_cancel_backend); ask who did and why."
    forwards = _DRIFT if code in EXISTS_ALREADY else _GONE if code == "42704" else _REVISION_HINT
    otherwise = _UNDOING_HINT if undoing else forwards
    return _NEEDS_AUTOCOMMIT.get(code, otherwise)


def _read(error: BaseException) -> str:
    return "\n".join(f"{type(one).__name__}: {words(one)[:_READ]}" for one in chain(error))
