"""Write the story to a terminal: calm lines, each with the time since the start."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
import time
from dataclasses import dataclass, field
from enum import Enum

INDENT = " " * 10
WHO_WIDTH = 22
NARROWEST, WIDEST = 80, 120


class Tone(Enum):
    """How a line feels; the value is its ANSI colour."""

    PLAIN = ""
    GOOD = "32"
    WAITING = "33"
    BAD = "31"
    FAINT = "2"
    STRONG = "1"


@dataclass(frozen=True)
class Screen:
    """Standard output, and when the story began."""

    started: float = field(default_factory=time.monotonic)
    colours: bool = field(default_factory=lambda: sys.stdout.isatty() and "NO_COLOR" not in os.environ)

    @property
    def elapsed(self) -> float:
        """Give the seconds since the start."""
        return time.monotonic() - self.started

    def chapter(self, title: str, *sentences: str) -> None:
        """Begin a chapter: a title, and what the reader should look out for."""
        print(f"\n{self._paint(title, Tone.STRONG)}")
        for line in textwrap.wrap(" ".join(sentences), self._width()):
            print(self._paint(line, Tone.FAINT))
        print(flush=True)

    def line(self, who: str, what: str, tone: Tone = Tone.PLAIN) -> None:
        """Say what somebody did, and when it was seen."""
        clock = self._paint(f"{self.elapsed:7.1f}s", Tone.FAINT)
        first, *more = textwrap.wrap(what, self._width() - len(INDENT) - WHO_WIDTH - 1) or [""]
        print(f"{clock}  {who:<{WHO_WIDTH}} {self._paint(first, tone)}")
        for line in more:
            print(f"{INDENT}{'':<{WHO_WIDTH}} {self._paint(line, tone)}")
        sys.stdout.flush()

    def command(self, *words: str) -> None:
        """Show a command that is run now, as a person would type it."""
        clock = self._paint(f"{self.elapsed:7.1f}s", Tone.FAINT)
        print(f"{clock}  {self._paint('$ ' + ' '.join(words), Tone.STRONG)}", flush=True)

    def block(self, text: str) -> None:
        """Show the output of a program as it is."""
        for line in text.rstrip().splitlines():
            print(f"{INDENT}{line}")
        print(flush=True)

    def _paint(self, text: str, tone: Tone) -> str:
        return f"\033[{tone.value}m{text}\033[0m" if self.colours and tone.value else text

    @staticmethod
    def _width() -> int:
        return max(NARROWEST, min(WIDEST, shutil.get_terminal_size((WIDEST, 0)).columns))
