"""Who holds a key of a version table's lock, and how the orphan of a killed runner is ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alembic_operator.contract.progress import WaitingFor
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process.failures import sqlstate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.versions import Connected, VersionTable
    from alembic_operator.runner.process.journal import Journal

_OURS = "alembic-operator/"
_WORKING_SECONDS = 30.0
"""How long an orphan may go on with its statement; a server that sees its client gone ends it before."""
_IDLE_SECONDS = 5.0
"""How long one may be idle, which does nothing any more; a runner that lives has key A and is no orphan."""
_AGAIN_SECONDS = 5.0
_NOT_ALLOWED = "42501"


@dataclass(frozen=True)
class Holder:
    """A session that holds a key; what its user hides from ours is empty."""

    pid: int
    application: str
    since: str
    idle_seconds: float
    """Since when it runs no statement; 0: it runs one, or hides it."""
    user: str = ""
    seconds: float | None = None
    """How old its connection is."""

    @property
    def ours(self) -> bool:
        """Tell whether a runner made the session."""
        return self.application.startswith(_OURS)

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        return (
            f"{self.name or 'a session without a name'} (pid {self.pid}{f', since {self.since}' if self.since else ''})"
        )

    @property
    def name(self) -> str:
        """The pod of a runner, or what the session calls itself."""
        return f"pod {self.application.split('/')[1]}" if self.ours else self.application

    def in_the_way(self) -> WaitingFor:
        """Return it as who waits for it tells of it; its queries are none of that lock's business."""
        state = "" if self.seconds is None else "connected"
        return WaitingFor(self.pid, self.name, self.user, state, self.seconds)


def of(key: int, table: VersionTable) -> str:
    """Return the condition that finds the holders of a key in `pg_locks l`."""
    return (
        f"l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid::bigint = {key}"
        f" AND l.objid::bigint = {table.lock_object % (1 << 32)}"
        " AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())"
    )


def look(own: Connected, key: int, table: VersionTable) -> list[Holder]:
    """Return who else holds a key."""
    rows = own.rows(
        "SELECT l.pid, a.application_name::text,"
        " pg_catalog.to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'),"
        " CASE WHEN a.state LIKE 'idle%' THEN"
        " extract(epoch FROM pg_catalog.clock_timestamp() - a.state_change)::float8 END,"
        " a.usename::text, extract(epoch FROM pg_catalog.clock_timestamp() - a.backend_start)::float8"
        " FROM pg_catalog.pg_locks l LEFT JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid"
        f" WHERE {of(key, table)} AND l.pid <> pg_catalog.pg_backend_pid() ORDER BY l.pid"
    )
    return [
        Holder(int(pid), str(name or ""), str(since or ""), float(idle or 0), str(user or ""), age)
        for pid, name, since, idle, user, age in rows
    ]


def termination(some: Sequence[Holder]) -> str:
    """Return the statements that end them."""
    return "; ".join(f"SELECT pg_terminate_backend({one.pid})" for one in some)


@dataclass
class Orphans:
    """Ends, on behalf of the holder of key A, those who share key B without it."""

    own: OwnConnection
    journal: Journal
    begun: float
    """When their end began to be waited for."""
    _ended: dict[int, float] = field(default_factory=dict)

    def end(self, left: list[Holder], now: float) -> None:
        """End those who had time enough; of a session that no runner made, only say so."""
        for one in left:
            due = now - self.begun >= _WORKING_SECONDS or one.idle_seconds >= _IDLE_SECONDS
            if due and now - self._ended.get(one.pid, now - _AGAIN_SECONDS) >= _AGAIN_SECONDS:
                event, message = self._terminate(one)
                if one.pid not in self._ended:
                    self.journal.warning(event, message=message)
                self._ended[one.pid] = now

    def _terminate(self, one: Holder) -> tuple[str, str]:
        by_hand = f"end it with: {termination([one])}"
        if not one.ours:
            return "orphan stays", f"{one} shares the lock of migrations under a name of its own; {by_hand}"
        try:
            self.own.rows(
                "SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity"
                f" WHERE pid = {one.pid} AND application_name = {literal(one.application)}"
            )
        except Exception as error:
            if sqlstate(error) != _NOT_ALLOWED:
                raise
            message = f"this user may not end what is left of a migration: {one}; as an administrator, {by_hand}"
            return "orphan stays", message
        return "orphan terminated", f"ended what was left of a migration: {one}"
