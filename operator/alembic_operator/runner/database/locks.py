"""Let one runner at a time migrate a version table, and none beside the orphan of a killed one.

Key A is held by a connection of its own; every migration connection shares key B. A killed pod frees A at once,
but B only when its last statement has ended on the server. Only polling, never a blocking call: a session that
waits in pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for it for ever.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import holders
from alembic_operator.runner.database.holders import Orphans
from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.runner.database.holders import Holder
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.versions import Query, VersionTable
    from alembic_operator.runner.process.interrupt import Stop
    from alembic_operator.runner.process.journal import Journal

_POLL_SECONDS = (0.1, 0.6)


@dataclass(frozen=True)
class Lock:
    """Key A of a version table, held until its connection is closed; one connection holds those of a whole database."""

    own: OwnConnection
    table: VersionTable

    def held(self) -> bool:
        """Tell whether this backend has the lock; after a restart, or behind a pooler, it may be another one."""
        sql = (
            f"SELECT 1 FROM pg_catalog.pg_locks l WHERE {holders.of(LOCK_CLASS_A, self.table)}"
            " AND l.pid = pg_catalog.pg_backend_pid()"
        )
        try:
            return bool(self.own.rows(sql))
        except Exception:  # noqa: BLE001  whatever it is: the lock cannot be relied on
            return False

    def take(self, key: int) -> bool:
        """Try once."""
        return bool(self.own.rows(f"SELECT pg_catalog.pg_try_advisory_lock({key}, {self.table.lock_object})")[0][0])

    def take_alone(self) -> str:
        """Try for both keys in one round trip: A, which stays, and B, only to see that nobody shares it.

        Return `taken`; `shared`: somebody has B; empty: somebody has A, which was not taken.
        """
        a, b = (f"({key}, {self.table.lock_object})" for key in (LOCK_CLASS_A, LOCK_CLASS_B))
        ((said,),) = self.own.rows(
            f"SELECT CASE WHEN NOT pg_catalog.pg_try_advisory_lock{a} THEN ''"
            f" WHEN NOT pg_catalog.pg_try_advisory_lock{b} THEN 'shared'"
            f" WHEN pg_catalog.pg_advisory_unlock{b} THEN 'taken' END"
        )
        return str(said)

    def give(self, key: int) -> None:
        """Give one key back."""
        self.own.rows(f"SELECT pg_catalog.pg_advisory_unlock({key}, {self.table.lock_object})")


@dataclass
class Waiting:
    """How to wait for a lock, and what was said of it."""

    stop: Stop
    journal: Journal
    name: str
    """application_name of this run's migration connections; they are in nobody's way."""
    begun: Callable[[], None] = lambda: None
    """Called once, when it has been said for whom it waits."""
    _said: str = ""

    def tell(self, what: str, table: VersionTable, held_by: Sequence[Holder]) -> None:
        """Name the holders: once in the log, and in the Result if the deadline passes meanwhile."""
        names = ", ".join(map(str, held_by))
        if not names:
            return  # it has just been let go
        self.stop.waiting_for = f"the lock of {table.sql}, held by {names}"
        self.stop.held_up_by = (f"{what} of {table.sql}:", held_by[0].in_the_way())
        message = f"the deadline was reached while waiting for {self.stop.waiting_for}"
        hint = f"It is tried again. If it hangs, delete its pod, or run {holders.termination(held_by)}."
        self.stop.overdue = Ending(Reason.WAITING_FOR_LOCK, message, hint)
        first = not self._said
        if names != self._said:
            self.journal.info("waiting for lock", message=f"waiting for {what} of {table.sql}: {names}")
            self._said = names
        if first:
            self.begun()

    def pause(self) -> None:
        """Let some time pass."""
        self.stop.pause(random.uniform(*_POLL_SECONDS))  # noqa: S311  jitter, not a secret

    def over(self) -> None:
        """Say that nothing is waited for."""
        self.stop.waiting_for, self.stop.overdue, self.stop.held_up_by = "", None, None


def acquire(own: OwnConnection, table: VersionTable, waiting: Waiting) -> Lock:
    """Wait for key A, then until no migration connection of another runner is left; bounded by the deadline."""
    lock = Lock(own, table)
    if (said := lock.take_alone()) != "taken":
        with own.as_login():
            while not said and not lock.take(LOCK_CLASS_A):
                waiting.tell("another migration", table, holders.look(own, LOCK_CLASS_A, table))
                waiting.pause()
            _outlive_orphans(lock, waiting)
    waiting.over()
    return lock


def _outlive_orphans(lock: Lock, waiting: Waiting) -> None:
    """Wait for who shares key B, for a bounded time: without key A, nobody may."""
    orphans = Orphans(lock.own, waiting.journal, time.monotonic())
    while not lock.take(LOCK_CLASS_B):
        left = [one for one in holders.look(lock.own, LOCK_CLASS_B, lock.table) if one.application != waiting.name]
        if not left:
            return  # env.py kept connections of an attempt before
        waiting.tell("the orphan of a migration", lock.table, left)
        orphans.end(left, time.monotonic())
        waiting.pause()
    lock.give(LOCK_CLASS_B)


def share(query: Query, lock: Lock, stop: Stop) -> None:
    """Share key B on a migration connection; only who holds A asks for it exclusively, and only for a moment.

    Raises:
        Ending: key A was lost; somebody else may have taken it and seen that B was free.
    """
    sql = f"SELECT pg_catalog.pg_try_advisory_lock_shared({LOCK_CLASS_B}, {lock.table.lock_object})"
    while not query(sql)[0][0]:
        stop.pause(random.uniform(*_POLL_SECONDS))  # noqa: S311  jitter, not a secret
    if not lock.held():
        message = f"lost the connection that holds the lock of {lock.table.sql}"
        raise Ending(Reason.DATABASE_UNREACHABLE, message, "It is tried again, from where the database is.")
