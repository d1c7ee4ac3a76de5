"""Tell whether the processors of this machine have room for another process."""

from __future__ import annotations

import os
import time

_FILE = "/proc/pressure/cpu"
_BUSY = 0.3
"""There is no room where something waited for a processor for that part of the time."""
_SHORTEST = 0.2
"""Seconds that are looked at."""


class Processors:
    """Those that this process may use, and how long something waited for one since the last look."""

    def __init__(self) -> None:
        """Begin to look."""
        self.count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self._last = time.monotonic(), _waited()
        self._have_room = self._last[1] is None

    @property
    def have_room(self) -> bool:
        """Whether another process would not only take from those that run; where nobody counts, it is tried."""
        now, (then, before) = time.monotonic(), self._last
        if before is not None and now - then >= _SHORTEST:
            waited = _waited() or before
            self._have_room = (waited - before) / 1e6 < _BUSY * (now - then)
            self._last = now, waited
        return self._have_room


def _waited() -> int | None:
    """Return for how many microseconds something waited so far; None: this kernel does not count it."""
    try:
        with open(_FILE, encoding="ascii") as file:  # noqa: PTH123  pathlib costs more than reading it
            return int(file.readline().rpartition("total=")[2])
    except (OSError, ValueError):
        return None
