"""Tell every few seconds what a run is doing, and who is in its way; from a thread and a connection of its own."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import activity
from alembic_operator.runner.database.own import client_backend
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process import threads
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.runner.database.activity import Activity
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.process.failures import Verdict

_BEAT = 10.0
_PERIOD = (0.025, 0.5)
_RECONNECT = 5.0
_GOODBYE = 1.0
"""Seconds: a server that does not answer must not keep the run from ending."""
_BLOCKED = (Reason.LOCK_TIMEOUT, Reason.STATEMENT_TIMEOUT, Reason.DEADLINE_EXCEEDED, Reason.INTERRUPTED)
_LOCK_NOT_AVAILABLE = "55P03"
_HINT = "Let that session end, or end it (pg_terminate_backend); or give more spec.policy.lockTimeout."
_OWN_HINT = (
    "env.py or the application opened that connection and left it in a transaction: let it commit, "
    "or let revisions use op.get_bind() alone."
)


@dataclass(frozen=True)
class Running:
    """An attempt of a revision."""

    revision: str
    backend: int | None
    since: float


class Pulse(Witness):
    """Looks often at a revision that takes its time: a lock_timeout leaves nobody to ask who held the lock."""

    def __init__(self, connections: Connections) -> None:
        """Begin to watch. The thread is a daemon: it keeps nothing from ending."""
        self._connections = connections
        self._origin: Origin | None = None
        self._running: Running | None = None
        self._seen: tuple[Running, Activity] | None = None
        """The last statement that was seen; it stays when it is over, for its error may still be on the way."""
        self._own: OwnConnection | None = None
        self._place = ""
        self._reconnect = 0.0
        self._over = threads.Event()
        shortest, longest = _PERIOD
        wanted = connections.session.lock_timeout_ms / 4000
        self._period = min(longest, max(shortest, wanted)) if wanted else longest
        self._thread = threads.Thread(target=self._watch, name="pulse", daemon=True)
        self._thread.start()

    # Stations of the run, in its thread

    def locked(self, site: Site) -> None:
        """Remember on which server the statements run."""
        self._origin = site.origin

    def begun(self, revision: str, connection: Any) -> None:
        """Remember what runs."""
        self._running = Running(revision, client_backend(raw_of(connection)), time.monotonic())

    def applied(self, revision: str) -> dict[str, Any]:
        """Forget what ran."""
        del revision
        self._running = None
        return {}

    def failed(self, verdict: Verdict) -> Verdict:
        """Tell that the revision ended, and name who was in its way."""
        running, seen = self._running, self._seen
        self._running = None
        if running is None:
            return verdict
        if seen and seen[0] is running and _was_blocked(verdict):
            verdict = _with_blockers(verdict, seen[1])
        ms = round((time.monotonic() - running.since) * 1000)
        journal = self._connections.around.journal
        journal.warning("revision failed", revision=running.revision, ms=ms, reason=str(verdict.reason))
        return verdict

    def over(self) -> None:
        """Stop watching, and leave the connection to those who need one now."""
        self._over.set()
        if self._own:
            self._thread.join(_GOODBYE)

    # The watching thread

    def _watch(self) -> None:
        beat = time.monotonic() + _BEAT
        stop = self._connections.around.stop
        while not self._over.wait(self._period) and not stop.requested:
            running = self._running
            due = time.monotonic() >= beat
            if due or (running and time.monotonic() - running.since >= self._period):
                seen, known = self._look(running)
                if due:
                    self._tell(running, seen, known=known)
                    beat = time.monotonic() + _BEAT
        self._close()  # who cancels the statement may need it: connections may be limited

    def _look(self, running: Running | None) -> tuple[Activity | None, bool]:
        """Return what runs in the database, and whether it could be asked."""
        try:
            own = self._connected()
            if own is None:
                return None, False
            name = self._connections.session.application_name
            seen = activity.look(own, name, running.backend if running else None)
        except Exception:  # noqa: BLE001  the server may be away; whatever it is, the migration is not to suffer from it
            self._close()
            self._reconnect = time.monotonic() + _RECONNECT
            return None, False
        if running and seen:
            self._seen = running, seen
        return seen, True

    def _connected(self) -> OwnConnection | None:
        origin = self._origin or self._connections.origin
        if self._own and origin and origin.place != self._place:
            self._close()
        if self._own is None and origin and time.monotonic() >= self._reconnect:
            self._own, self._place = origin.open(), origin.place
        return self._own

    def _close(self) -> None:
        if self._own:
            self._own.close()
        self._own = None

    def _tell(self, running: Running | None, seen: Activity | None, *, known: bool) -> None:
        facts: dict[str, Any] = {}
        if running:
            facts["revision"] = running.revision
            facts["revision seconds"] = round(time.monotonic() - running.since, 1)
        if seen:
            facts |= {"statement": seen.statement, "seconds": seen.seconds}
        if seen and seen.waits_for:
            facts["waiting for"] = seen.waits_for
        if seen and seen.blockers:
            facts["blocked by"] = [one.facts() for one in seen.blockers]
        message = _message(seen, self._connections.around.stop.waiting_for, known=known)
        self._connections.around.journal.info("running", message=message, **facts)


def _message(seen: Activity | None, waiting_for: str, *, known: bool) -> str:
    if seen:
        waits = f", waiting for {seen.waits_for}" if seen.waits_for else ""
        blocked = f", {seen.blocked_by}" if seen.blockers else ""
        return f"a statement has been running for {seen.seconds:.0f} s{waits}{blocked}"
    if waiting_for:
        return f"waiting for {waiting_for}"
    return "in Python: no statement is running in the database" if known else "the database cannot be asked"


def _was_blocked(verdict: Verdict) -> bool:
    return verdict.reason in _BLOCKED or verdict.failure.sqlstate == _LOCK_NOT_AVAILABLE


def _with_blockers(verdict: Verdict, seen: Activity) -> Verdict:
    if not seen.blockers:
        return verdict
    failure = replace(verdict.failure, message=f"{verdict.failure.message}; {seen.blocked_by}")
    if verdict.reason is Reason.LOCK_TIMEOUT:
        own = any(one.application == activity.OWN for one in seen.blockers)
        failure = replace(failure, hint=_OWN_HINT if own else _HINT)
    return replace(verdict, failure=failure)
