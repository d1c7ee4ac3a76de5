"""Where a run is among its revisions, and whether it moves: made into the Progress that log, terminal and pod tell."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.contract.progress import Build, Progress, WaitingFor

if TYPE_CHECKING:
    from alembic_operator.runner.database.activity import Activity

_WIDTH = 20
_LONGEST = 300
"""Characters of what others say: who asks reads no more than PROGRESS_BYTES."""


@dataclass(frozen=True)
class Sight:
    """What was seen in the database at one moment."""

    activity: Activity | None = None
    build: Build | None = None
    waiting_for: WaitingFor | None = None
    """Who keeps the statement, or the whole run, waiting."""
    note: str = ""


class Course:
    """Counts the revisions of a run, and sees when it moves; times are monotonic."""

    def __init__(self, run: str) -> None:
        """Begin before the first revision, under the name by which the run answers."""
        self._run = run
        self._done = self._of = 0
        self._since = self._moved = time.monotonic()
        self._revision = ""
        self._sign: tuple[object, ...] = ()

    def planned(self, revisions: int) -> None:
        """Know how many are still to run; after a failed attempt there are fewer."""
        self._of = self._done + revisions

    def begun(self, revision: str) -> None:
        """Know what runs; another attempt at the same is no news."""
        if revision != self._revision:
            self._revision, self._since = revision, time.monotonic()

    def applied(self) -> None:
        """Count one."""
        self._done += 1
        self._revision, self._since = "", time.monotonic()

    def at(self, sight: Sight) -> Progress:
        """Return how far the run is."""
        now, clock, seen = time.monotonic(), time.time(), sight.activity
        sign = (self._revision, seen and seen.statement, sight.build)
        again = seen is None and sight.waiting_for and self._sign[:1] in ((), sign[:1])  # the next attempt is no move
        if not again and (sign != self._sign or (seen and not seen.is_blocked)):
            self._sign, self._moved = sign, now
        return Progress(
            at=clock,
            since=clock - (now - self._since),
            moved=clock - (now - self._moved),
            run=self._run,
            revision=self._revision,
            index=self._done + 1 if self._revision else 0,
            of=self._of,
            statement=seen.statement if seen else "",
            seconds=seen.seconds if seen else 0.0,
            waiting_for=sight.waiting_for,
            build=sight.build,
            note=sight.note[:_LONGEST],
        )


def bar(progress: Progress) -> str:
    """Return it as a line at the foot of a terminal."""
    done = max(0, progress.index - 1)
    filled = _WIDTH * done // progress.of if progress.of else 0
    return f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {progress}"
