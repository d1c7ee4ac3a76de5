"""Refuse a connection pooler that lends one session to several clients; through one that does not, locks hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, TypeVar

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process import threads
from alembic_operator.runner.process.failures import Ending, sqlstate

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.process.journal import Journal

T = TypeVar("T")

_ROUNDS = 3
_ASKED = 3
_MORE = 2
_OPEN_SECONDS = 15.0
_ROUND_SECONDS = 5.0
_BACKEND = "SELECT pg_catalog.pg_backend_pid()"
_FOREIGN_STATEMENTS = ("26000", "42P05")
"""A driver's prepared statement is gone, or there already: it is somebody else's session."""
_HINT = (
    "Give the server's own address, or that of a pool in session mode; for spec.database, host or statefulSetRef. "
    "Only migrations need it: the application may stay on the pooler."
)


def require_session(own: OwnConnection, origin: Origin, journal: Journal) -> None:
    """Let a pooler's connection pass that has a session of its own.

    Raises:
        Ending: PooledConnection, or ResourcesExhausted when the pool is too small to tell.
    """
    if _is_shared(own, origin):
        message = f"a connection pooler in transaction or statement mode answers at {origin.place}"
        raise Ending(Reason.POOLED_CONNECTION, f"{message}; session locks do not hold through it", _HINT)
    message = f"{origin.place} is a connection pooler; a run takes up to five connections of its pool"
    journal.warning("pooler in session mode", message=message)


def _is_shared(own: OwnConnection, origin: Origin) -> bool:
    """Hold transactions open on two more connections; one that has a session of its own does not feel them."""
    others: list[OwnConnection] = []
    try:
        _within(_OPEN_SECONDS, lambda: _open(origin, others))
        return _within(_ROUND_SECONDS, lambda: _rounds(own, others))
    except Exception as error:
        if sqlstate(error) in _FOREIGN_STATEMENTS:
            return True
        if len(others) < _MORE:
            raise _too_small(origin) from error
        if not isinstance(error, _StillWaitingError):
            own.rows(_BACKEND)  # says so when it is the network or the server that is gone
        return True  # each had a session; where they keep it, nobody waits for another one, and may begin a transaction


def _rounds(own: OwnConnection, others: list[OwnConnection]) -> bool:
    try:
        return any(_round(own, others) for _ in range(_ROUNDS))
    finally:
        for other in others:
            other.close()


def _round(own: OwnConnection, others: list[OwnConnection]) -> bool:
    """Tell whether sessions were seen to change hands: one that two had, or a second one that one had."""
    before = _asked(own)
    taken = set()
    for other in others:
        other.rows("BEGIN")
        taken |= _asked(other)
    own_sessions = before | _asked(own)
    for other in others:
        other.rows("ROLLBACK")
    return len(own_sessions) > 1 or bool(own_sessions & taken)


def _asked(own: OwnConnection) -> set[int]:
    return {int(own.rows(_BACKEND)[0][0]) for _ in range(_ASKED)}


def _open(origin: Origin, others: list[OwnConnection]) -> None:
    for _ in range(_MORE):
        other = origin.open()
        _asked(other)
        others.append(other)


class _StillWaitingError(Exception):
    """A pool has nothing to lend."""


def _within(seconds: float, function: Callable[[], T]) -> T:
    """Wait no longer for what may be stuck: a driver's C code that waits for a pool hears of no signal."""
    results: list[T] = []
    errors: list[Exception] = []

    def call() -> None:
        try:
            results.append(function())
        except Exception as error:  # noqa: BLE001  the drivers share no class; it is raised where somebody waits
            errors.append(error)

    thread = threads.Thread(target=call, name="pooler", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not results:
        raise _StillWaitingError
    return results[0]


def _too_small(origin: Origin) -> Ending:
    message = f"the pooler at {origin.place} has no three connections for this run; its pool is too small or in use"
    hint = "Give the pool five connections for each run (default_pool_size), or give the server's own address."
    return Ending(Reason.RESOURCES_EXHAUSTED, message, hint)
