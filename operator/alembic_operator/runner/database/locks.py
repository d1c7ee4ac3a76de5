"""Let one runner at a time migrate a version table, and none beside the orphan of a killed one.

Key A is held by a connection of its own; every migration connection shares key B. A killed pod frees A at once,
but B only when its last statement has ended on the server. Only polling, never a blocking call: a session that
waits in pg_advisory_lock holds a snapshot, and CREATE INDEX CONCURRENTLY waits for it for ever.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.contract import LOCK_CLASS_A, LOCK_CLASS_B

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.versions import Query, VersionTable
    from alembic_operator.runner.process.interrupt import Stop
    from alembic_operator.runner.process.journal import Journal

_POLL_SECONDS = (0.1, 0.6)


@dataclass(frozen=True)
class Waiting:
    """How to wait for a lock."""

    stop: Stop
    journal: Journal


@dataclass(frozen=True)
class Lock:
    """Key A of a version table, held until its connection is closed."""

    own: OwnConnection
    table: VersionTable

    def held(self) -> bool:
        """Tell whether the connection, and with it the lock, is still there."""
        try:
            return self.own.rows("SELECT 1") == [(1,)]
        except Exception:  # noqa: BLE001  whatever it is: the lock cannot be relied on
            return False

    def release(self) -> None:
        """Let the next runner begin."""
        self.own.close()


def acquire(own: OwnConnection, table: VersionTable, waiting: Waiting) -> Lock:
    """Wait for key A, then until no migration connection of another runner is left; bounded by the deadline."""
    _poll(own, LOCK_CLASS_A, table, waiting)
    _poll(own, LOCK_CLASS_B, table, waiting)
    own.rows(f"SELECT pg_catalog.pg_advisory_unlock({LOCK_CLASS_B}, {table.lock_object})")
    return Lock(own, table)


def share(query: Query, table: VersionTable, stop: Stop) -> None:
    """Share key B on a migration connection; only who holds A asks for it exclusively, and only for a moment."""
    while not query(f"SELECT pg_catalog.pg_try_advisory_lock_shared({LOCK_CLASS_B}, {table.lock_object})")[0][0]:
        stop.pause(random.uniform(*_POLL_SECONDS))  # noqa: S311  jitter, not a secret


def _poll(own: OwnConnection, key: int, table: VersionTable, waiting: Waiting) -> None:
    said = ""
    while not own.rows(f"SELECT pg_catalog.pg_try_advisory_lock({key}, {table.lock_object})")[0][0]:
        holder = _holder(own, key, table)
        waiting.stop.waiting_for = f"the lock of {table.sql}, held by {holder}"
        if holder and holder != said:
            what = "another migration" if key == LOCK_CLASS_A else "the orphan of a migration"
            waiting.journal.info("waiting for lock", message=f"waiting for {what} of {table.sql}: {holder}")
            said = holder
        waiting.stop.pause(random.uniform(*_POLL_SECONDS))  # noqa: S311  jitter, not a secret
    waiting.stop.waiting_for = ""


def _holder(own: OwnConnection, key: int, table: VersionTable) -> str:
    rows = own.rows(
        "SELECT a.application_name::text, l.pid, a.backend_start::text FROM pg_catalog.pg_locks l"
        " LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
        " WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.pid <> pg_catalog.pg_backend_pid()"
        " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
        f" AND l.classid::bigint = {key} AND l.objid::bigint = {table.lock_object % (1 << 32)} ORDER BY l.pid"
    )
    return ", ".join(f"{name or 'unknown'} (pid {pid}, since {since})" for name, pid, since in rows)
