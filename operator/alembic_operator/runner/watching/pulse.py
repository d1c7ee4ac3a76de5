"""Tell every few seconds what a run is doing, and who is in its way; from a thread and a connection of its own."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.runner.database import activity
from alembic_operator.runner.database.builds import Builds
from alembic_operator.runner.database.own import client_backend
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process import listener, threads
from alembic_operator.runner.watching.progress import Course, Sight, bar
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract.progress import Build, Progress, WaitingFor
    from alembic_operator.runner.database.activity import Activity
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.process.failures import Verdict

_BEAT = 10.0
"""Seconds between two lines that say the same; of news there is one after a pace."""
_PACE = 2.0
_PERIOD = (0.025, 0.5)
_RECONNECT = 5.0
_GOODBYE = 1.0
"""Seconds: a server that does not answer must not keep the run from ending."""
_BLOCKED = (Reason.LOCK_TIMEOUT, Reason.STATEMENT_TIMEOUT, Reason.DEADLINE_EXCEEDED, Reason.INTERRUPTED)
_ENV = "env.py has not come to any revision"
_AGAIN = "another attempt; in the way of the last one was"
_IN_PYTHON = "in Python: no statement is running in the database"
_LOCK_NOT_AVAILABLE = "55P03"
_MORE_TIME = "More time (spec.policy.lockTimeout, deadline) helps only if it ends by itself."
_OWN_TIMES = 3
"""So often in a row no thread is just thinking: what this run itself left in the way, no attempt will find gone."""
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
        """Begin to watch, and to answer if asked to. The threads are daemons: they keep nothing from ending."""
        self._connections = connections
        self._course = Course(connections.around.answers_as)
        self._progress = self._course.at(Sight(note=_ENV))
        self._told: tuple[object, ...] = ()
        self._beat = time.monotonic() + _BEAT
        if connections.around.answers_as:
            listener.listen(PROGRESS_PORTS, self._answer)
        self._origin: Origin | None = None
        self._running: Running | None = None
        self._seen: tuple[Running, Activity] | None = None
        """The last statement that was seen; it stays when it is over, for its error may still be on the way."""
        self._blocked: WaitingFor | None = None
        """Who was in the way of the last attempt, until the next one begins."""
        self._own_in_the_way = 0
        """How often in a row only connections of this run were."""
        self._own: OwnConnection | None = None
        self._builds: Builds | None = None
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

    def planned(self, revisions: int) -> None:
        """Remember how many there are."""
        self._course.planned(revisions)

    def begun(self, revision: str, connection: Any) -> None:
        """Remember what runs."""
        self._course.begun(revision)
        self._blocked = None
        self._running = Running(revision, client_backend(raw_of(connection)), time.monotonic())

    def applied(self, revision: str) -> dict[str, Any]:
        """Forget what ran."""
        del revision
        self._running = None
        self._own_in_the_way = 0
        self._course.applied()
        return {}

    def failed(self, verdict: Verdict) -> Verdict:
        """Tell that the revision ended, and name who was in its way."""
        running, seen = self._running, self._seen
        self._running = None
        if running is None:
            return verdict
        if seen and seen[0] is running and _was_blocked(verdict):
            verdict = _with_blockers(verdict, seen[1])
            self._blocked = _first(seen[1])
            self._own_in_the_way = self._own_in_the_way + 1 if seen[1].waits_for_itself else 0
            if self._own_in_the_way == _OWN_TIMES and verdict.reason is Reason.LOCK_TIMEOUT:
                verdict = replace(verdict, reason=Reason.REVISION_FAILED)
        ms = round((time.monotonic() - running.since) * 1000)
        journal = self._connections.around.journal
        journal.warning("revision failed", revision=running.revision, ms=ms, reason=str(verdict.reason))
        return verdict

    def over(self) -> None:
        """Stop watching, and leave the connection to those who need one now."""
        self._over.set()
        if self._own:
            self._thread.join(_GOODBYE)
        self._connections.around.journal.show("")

    # The watching thread

    def _watch(self) -> None:
        pace = time.monotonic() + _PACE
        stop = self._connections.around.stop
        while not self._over.wait(self._period) and not stop.requested:
            running, now = self._running, time.monotonic()
            if (running and now - running.since >= self._period) or now >= self._beat:
                seen, known = self._look(running)
            else:
                seen, known = None, True  # a run that has nothing to do takes no connection for that
            if now >= pace:
                self._tell(running, self._sight(seen, known=known))
                pace = time.monotonic() + _PACE
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
        self._own = self._builds = None

    def _sight(self, seen: Activity | None, *, known: bool) -> Sight:
        """Return what was seen, with who is in the way, or why there is nothing to see."""
        stop = self._connections.around.stop
        if seen:
            blocker = _first(seen)
            hidden = f"waiting for {seen.waits_for}" if seen.is_blocked and not blocker else ""
            return Sight(seen, self._build(seen.pid), blocker, hidden)
        if stop.held_up_by:
            what, holder = stop.held_up_by
            return Sight(waiting_for=holder, note=what)
        if self._blocked:
            return Sight(waiting_for=self._blocked, note=_AGAIN)
        if stop.waiting_for:
            return Sight(note=f"waiting for {stop.waiting_for}")
        return Sight(note=_IN_PYTHON if known else "the database cannot be asked")

    def _build(self, pid: int) -> Build | None:
        with suppress(Exception):  # a server may count less than others, or hide it: then there is nothing to say
            if self._own and self._builds is None:
                self._builds = Builds(self._own)
            return self._builds.look(pid) if self._builds else None
        return None

    def _tell(self, running: Running | None, sight: Sight) -> None:
        """Remember for who asks; show it on a terminal, else write a line, soon if it is news."""
        self._progress = progress = self._course.at(sight)
        journal = self._connections.around.journal
        is_shown, beats = journal.show(bar(progress)), time.monotonic() >= self._beat
        news = (progress.waiting_for and progress.waiting_for.pid, progress.build and progress.build.phase)
        lasts = any(one is not None for one in news) and not 0 < progress.seconds <= _PACE
        if beats or (lasts and news != self._told):
            self._told, self._beat = news, time.monotonic() + _BEAT
        else:
            return
        if not is_shown:
            journal.info("running", message=str(progress), **_facts(progress, running, sight.activity))

    # The listening thread

    def _answer(self) -> str:
        masked = self._connections.around.journal.masked(asdict(self._progress))
        return json.dumps(masked, ensure_ascii=False)


def _facts(progress: Progress, running: Running | None, seen: Activity | None) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if progress.revision:
        facts |= {"revision": progress.revision, "index": progress.index, "of": progress.of}
    if running:
        facts["revision seconds"] = round(time.monotonic() - running.since, 1)
    if seen:
        facts |= {"statement": seen.statement, "seconds": seen.seconds}
    if seen and seen.waits_for:
        facts["waiting for"] = seen.waits_for
    if seen and seen.blockers:
        facts["blocked by"] = [one.facts() for one in seen.blockers]
    elif progress.waiting_for:
        facts["blocked by"] = [asdict(progress.waiting_for)]
    if progress.build:
        facts["build"] = asdict(progress.build)
    return facts


def _first(seen: Activity) -> WaitingFor | None:
    return seen.blockers[0].in_the_way() if seen.blockers else None


def _was_blocked(verdict: Verdict) -> bool:
    return verdict.reason in _BLOCKED or verdict.failure.sqlstate == _LOCK_NOT_AVAILABLE


def _with_blockers(verdict: Verdict, seen: Activity) -> Verdict:
    if not seen.blockers:
        return verdict
    failure = replace(verdict.failure, message=f"{verdict.failure.message}; {seen.blocked_by}")
    if any(one.application == activity.OWN for one in seen.blockers) and verdict.reason is not Reason.INTERRUPTED:
        failure = replace(failure, hint=_OWN_HINT)
    elif verdict.reason in (Reason.LOCK_TIMEOUT, Reason.DEADLINE_EXCEEDED):
        failure = replace(failure, hint=f"{seen.remedy}. {_MORE_TIME}")
    return replace(verdict, failure=failure)
