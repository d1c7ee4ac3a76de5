"""One line at the foot of a terminal that stays below all others, while they pass."""

from __future__ import annotations

import os

_CLEAR = b"\r\x1b[K"


class Foot:
    """What to write so that the line stays where it is."""

    def __init__(self, descriptor: int) -> None:
        """Begin without a line; a terminal that cannot move its cursor has none."""
        self._descriptor = descriptor
        self._shown = b""
        self.is_there = os.isatty(descriptor) and os.environ.get("TERM", "dumb") != "dumb"

    def changed(self, text: str) -> bytes:
        """Return what shows this text from now on; empty: nothing."""
        before, self._shown = self._shown, self._fitting(text) if text and self.is_there else b""
        return _CLEAR + self._shown if before or self._shown else b""

    def above(self, lines: bytes) -> bytes:
        """Return what writes these lines above it."""
        return _CLEAR + lines + self._shown if self._shown else lines

    def _fitting(self, text: str) -> bytes:
        try:
            columns = os.get_terminal_size(self._descriptor).columns or 80
        except OSError:
            columns = 80
        plain = "".join(one if one.isprintable() else " " for one in text)
        return plain[: columns - 1].encode(errors="replace")
