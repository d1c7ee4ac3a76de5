"""Tell from one process whether this machine's processors have room for another one."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

_FILE = "/proc/self/schedstat"
_FEW = 4
"""There is room where a process waited for a processor for less than that part of the time that it had one."""


@dataclass(frozen=True)
class Load:
    """What one process had of the processors, and how long it waited for them, in nanoseconds."""

    had: int
    waited: int

    @property
    def has_room(self) -> bool:
        """Whether another process would not only take from this one; where nobody counts, it is tried."""
        return self.waited * _FEW <= self.had

    def since(self, before: Load) -> Load:
        """Return what has come since then."""
        return Load(self.had - before.had, self.waited - before.waited)

    @staticmethod
    def now() -> Load:
        """Read it of this process; not on Linux, nothing is known."""
        try:
            with open(_FILE, encoding="ascii") as file:  # noqa: PTH123  pathlib costs more than reading it
                had, waited, _ = map(int, file.read().split())
        except (OSError, ValueError):
            return NOBODY
        return Load(had, waited)

    @staticmethod
    def told(message: dict[str, Any]) -> Load:
        """Return what a process said, if it did."""
        had, waited = message.get("load", (0, 0))
        return Load(int(had), int(waited))


NOBODY = Load(0, 0)
"""Of a process that said nothing."""


def processors() -> int:
    """Return how many this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
