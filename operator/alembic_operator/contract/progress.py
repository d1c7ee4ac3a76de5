"""How far a run is: what its pod answers, and the one sentence in which log, terminal and status say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.contract.durations import spoken

if TYPE_CHECKING:
    from alembic_operator.contract.fleet import Fleet

PROGRESS_PORTS = range(17432, 17436)
"""The migration pod listens at the first that is free; all are below those that a system takes for connections."""

PROGRESS_BYTES = 8192
"""An answer has less, even where each character of a statement takes four."""

_PREPARED = 0
"""PostgreSQL's process id for a transaction that was prepared and has no process any more."""
_SHORT = 120
"""Characters of a statement within a sentence."""


@dataclass(frozen=True)
class WaitingFor:
    """The session that is in the way; unknown is empty or None."""

    pid: int
    application: str = ""
    user: str = ""
    state: str = ""
    seconds: float | None = None
    """For how long its query has been running, or it has been idle."""

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        if self.pid == _PREPARED:
            return "a prepared transaction (see pg_prepared_xacts)"
        does = self.state if self.seconds is None else f"{self.state} for {spoken(self.seconds)}".strip()
        known = ", ".join(one for one in (self.application or self.user, does) if one)
        return f"pid {self.pid} ({known})" if known else f"pid {self.pid}"


@dataclass(frozen=True)
class Build:
    """A command whose progress PostgreSQL counts."""

    command: str
    phase: str = ""
    done: int = 0
    total: int = 0
    """In the same unit; 0: unknown."""

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        share = f"{min(100, 100 * self.done // self.total)} % of this phase" if self.total else ""
        return ": ".join(one for one in (self.command, ", ".join(filter(None, (self.phase, share)))) if one)


@dataclass(frozen=True)
class Progress:
    """What a run does at a moment; times are seconds since 1970."""

    at: float
    since: float
    """When the revision began; without one, since when there is none."""
    moved: float
    """When the run came to another revision or statement, or when one computed instead of waiting."""
    run: str = ""
    """Who says so, by the name that it was given: another program may listen where a pod is asked."""
    revision: str = ""
    index: int = 0
    """Of the revision in this run, from 1."""
    of: int = 0
    statement: str = ""
    """Cut, its literals masked."""
    seconds: float = 0.0
    """For how long it has been running."""
    waiting_for: WaitingFor | None = None
    build: Build | None = None
    note: str = ""
    """In words: the lock that a session holds against a whole run, or what is true while no statement runs."""
    tenants: Fleet | None = None
    """How all tenants stand; the revision, its statement and who is in the way are then those of the slowest one."""

    def __str__(self) -> str:
        """Return the sentence."""
        if self.tenants:
            waits = f", which waits for {self.waiting_for}" if self.waiting_for and self.tenants.slowest else ""
            return f"{self.tenants.doing}{waits}"
        where = f"revision {self.index} of {self.of}, {self.revision}" if self.revision else "no revision yet"
        return f"{where}, for {spoken(self.at - self.since)}: {self.doing}"

    @property
    def doing(self) -> str:
        """The sentence's end: what it waits for, or what it does."""
        held = f"{self.note} {self.waiting_for}" if self.note else str(self.waiting_for)
        waits = f"waits for {held}" if self.waiting_for else ""
        runs = "" if waits else self._runs if self.statement else self.note
        return "; ".join(one for one in (waits, str(self.build or runs)) if one)

    @property
    def _runs(self) -> str:
        statement = self.statement if len(self.statement) <= _SHORT else f"{self.statement[:_SHORT]}..."
        return ", ".join(one for one in (f"{statement} (for {spoken(self.seconds)})", self.note) if one)
