"""Say how far a long build is: which part, of how many, and for how long by now."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Progress:
    """A build of several parts, since it began."""

    total: int
    begun: float = field(default_factory=time.monotonic)
    """Seconds of the monotonic clock."""

    def line(self, number: int, name: str, now: float) -> str:
        """Return what a person reads while part `number` is built."""
        return f"building {name} ({number} of {self.total}), {int(now - self.begun) // 60} min so far"

    def tell(self, number: int, name: str) -> None:
        """Print the line of now."""
        print(self.line(number, name, time.monotonic()), flush=True)
