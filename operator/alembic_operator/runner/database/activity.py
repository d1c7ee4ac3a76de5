"""What the server says about a run's statements: how long each has been running, and who is in its way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.contract.progress import WaitingFor
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process import masking

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import OwnConnection

_LOCK = "Lock"
_NAMED = 3
OWN = "another connection of this run"
"""What stands for the application's name then."""
_PREPARED = 0
"""PostgreSQL's process id for a transaction that was prepared and has no process any more."""


@dataclass(frozen=True)
class Blocker:
    """A session that holds, or wants before us, the lock that a statement waits for; unknown is empty or None.

    The text of its query stays unread: it is somebody else's, and may hold their data.
    """

    pid: int
    application: str = ""
    user: str = ""
    state: str = ""
    query_seconds: float | None = None
    transaction_seconds: float | None = None
    idle_seconds: float | None = None
    """Since when it runs no statement; None: it runs one, or hides it."""

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        if self.pid == _PREPARED:
            return "a prepared transaction (see pg_prepared_xacts)"
        idle = self.idle_seconds is not None  # its last query is over: the age of that would say nothing
        ages = (("query age", None if idle else self.query_seconds), ("transaction age", self.transaction_seconds))
        known = [
            self.application,
            f"user {self.user}" if self.user else "",
            f"{self.state} for {self.idle_seconds:.0f} s" if self.idle_seconds is not None else self.state,
            *(f"{what} {age:.0f} s" for what, age in ages if age is not None),
        ]
        text = ", ".join(one for one in known if one)
        return " ".join(f"pid {self.pid} ({text})".split()) if text else f"pid {self.pid}"

    def in_the_way(self) -> WaitingFor:
        """Return it as it is told outside of this process."""
        seconds = self.query_seconds if self.idle_seconds is None else self.idle_seconds
        return WaitingFor(self.pid, self.application, self.user, self.state, seconds)

    def facts(self) -> dict[str, object]:
        """Return what is known, for a line of the log."""
        named = {
            "pid": self.pid,
            "application": self.application,
            "user": self.user,
            "state": self.state,
            "query seconds": self.query_seconds,
            "transaction seconds": self.transaction_seconds,
            "idle seconds": self.idle_seconds,
        }
        return {name: value for name, value in named.items() if value not in ("", None)}


@dataclass(frozen=True)
class Activity:
    """The statement that is running."""

    statement: str
    """Cut, its literals masked."""
    seconds: float
    """Its age."""
    waits_for: str
    """PostgreSQL's type and name of what it waits for, such as Lock/relation; empty: it is computing."""
    blockers: tuple[Blocker, ...]
    pid: int = 0
    """The process of the server that runs it."""

    @property
    def is_blocked(self) -> bool:
        """Whether it waits for a lock, instead of computing, reading or writing."""
        return self.waits_for.startswith(_LOCK)

    @property
    def waits_for_itself(self) -> bool:
        """Whether only connections of this run are in the way, and those have done nothing since it began to wait."""
        return bool(self.blockers) and all(
            one.application == OWN and one.idle_seconds is not None and one.idle_seconds >= self.seconds
            for one in self.blockers
        )

    @property
    def remedy(self) -> str:
        """Return what to do about who is in the way first, the others wait behind it as often as not."""
        pid = self.blockers[0].pid if self.blockers else _PREPARED
        if pid == _PREPARED:
            return "Commit that prepared transaction, or roll it back (pg_prepared_xacts)"
        return f"Let that session end, or end it: SELECT pg_terminate_backend({pid})"

    @property
    def blocked_by(self) -> str:
        """Return the end of a sentence about who is in the way; empty: nobody."""
        if not self.blockers:
            return ""
        more = len(self.blockers) - _NAMED
        names = [str(one) for one in self.blockers[:_NAMED]]
        return "blocked by " + ", ".join(names) + (f" and {more} more" if more > 0 else "")


def look(own: OwnConnection, application_name: str, backend: int | None) -> Activity | None:
    """Return what this process runs in the database, first of all what waits for a lock; None: nothing.

    Its sessions are known by their name, and one by its process id, whatever name a script gives it.
    """
    ours = f"a.application_name = {literal(application_name)} OR a.pid = {backend or 'NULL'}"
    rows = own.rows(
        "SELECT a.pid, a.query, extract(epoch FROM pg_catalog.clock_timestamp() - a.query_start)::float8,"
        " a.wait_event_type, a.wait_event,"
        " w.pid, b.application_name, b.usename::text, coalesce(b.state, b.backend_type),"
        " extract(epoch FROM pg_catalog.clock_timestamp() - b.query_start)::float8,"
        " extract(epoch FROM pg_catalog.clock_timestamp() - b.xact_start)::float8,"
        " CASE WHEN b.state LIKE 'idle%' THEN"
        " extract(epoch FROM pg_catalog.clock_timestamp() - b.state_change)::float8 END"
        " FROM pg_catalog.pg_stat_activity a"
        " LEFT JOIN LATERAL (SELECT DISTINCT pg_catalog.unnest(pg_catalog.pg_blocking_pids(a.pid)) AS pid"
        " WHERE a.wait_event_type = 'Lock') w ON true"
        " LEFT JOIN pg_catalog.pg_stat_activity b ON b.pid = w.pid"
        f" WHERE a.state = 'active' AND ({ours})"
        " ORDER BY (a.wait_event_type IS DISTINCT FROM 'Lock'), a.query_start, a.pid, b.xact_start"
    )
    if not rows:
        return None
    pid, query, seconds, kind, event = rows[0][:5]
    blockers = tuple(blocker(row[5:], application_name) for row in rows if row[0] == pid and row[5] is not None)
    waits_for = "/".join(str(one) for one in (kind, event) if one)
    return Activity(masking.statement(str(query or "")), round(seconds or 0.0, 1), waits_for, blockers, int(pid))


def blocker(row: tuple[object, ...], own: str = "") -> Blocker:
    """Return a session from its columns, in the order of a Blocker's fields; `own` is this run's application_name."""
    pid, application, user, state, *ages = row
    name = OWN if own and application == own else str(application or "")
    return Blocker(int(str(pid)), name, str(user or ""), str(state or ""), *(_seconds(age) for age in ages))


def _seconds(age: object) -> float | None:
    return None if age is None else round(float(str(age)), 1)
