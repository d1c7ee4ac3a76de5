"""How far a run has come, what it tries just now, and how long others kept it from that."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alembic_operator.runner.process.failures import Scene

if TYPE_CHECKING:
    from alembic_operator.contract import Applied, Failure


@dataclass
class Progress:
    """How far the run has come."""

    applied: list[Applied] = field(default_factory=list)
    scene: Scene = field(default_factory=Scene)
    """The revision that is running."""
    attempts: int = 0
    """How often the running revision has failed."""
    last: Failure | None = None
    """Why it failed before."""
    blocked: float = 0.0
    """Seconds of what gave up because others held a lock, and of the pauses after it."""
    _begun: float = 0.0
    _sure: int = 0
    """How many of those applied no later failure takes back."""

    def again(self) -> None:
        """Begin an attempt, without what was rolled back with the one before."""
        del self.applied[self._sure :]

    def committed(self) -> None:
        """Let what was applied stay, and count the attempts anew."""
        self._sure, self.attempts, self.last = len(self.applied), 0, None

    def begins(self, scene: Scene) -> None:
        """Begin a revision, or what comes before one."""
        self.scene, self._begun = scene, time.monotonic()

    def gave_up(self) -> None:
        """Count what has passed since then as waiting for a lock."""
        self.blocked += time.monotonic() - self._begun
