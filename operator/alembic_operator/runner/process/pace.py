"""When to say again what has not changed: soon at first, then more and more rarely."""

from __future__ import annotations

_FIRST_SECONDS = 60.0
_LONGEST_SECONDS = 15 * 60.0


class Pace:
    """The times of one wait; the clock is read by whoever asks."""

    def __init__(self) -> None:
        self._begun = self._due = 0.0
        self._pause = _FIRST_SECONDS

    def begin(self, now: float) -> None:
        """Begin a wait, which was just told."""
        self._begun, self._pause = now, _FIRST_SECONDS
        self._due = now + self._pause

    def is_due(self, now: float) -> bool:
        """Tell whether it is time to say it again; each time the pause doubles, up to a quarter of an hour."""
        if now < self._due:
            return False
        self._pause = min(2 * self._pause, _LONGEST_SECONDS)
        self._due = now + self._pause
        return True

    def minutes(self, now: float) -> int:
        """Return how long it has been waited."""
        return int((now - self._begun) / 60)
