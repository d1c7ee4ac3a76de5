"""How something stands, and the exit code that says so."""

import enum
from collections.abc import Iterable
from dataclasses import dataclass


class Standing(enum.IntEnum):
    """How something stands; the value is the exit code."""

    READY = 0
    ERROR = 1
    WAITS = 2
    STALLED = 3


WORDS = {Standing.READY: "ready", Standing.WAITS: "not ready yet", Standing.STALLED: "STALLED"}

_WORST_FIRST = (Standing.ERROR, Standing.STALLED, Standing.WAITS)


@dataclass(frozen=True)
class Diagnosis:
    """What is true of one migration or pod."""

    standing: Standing
    headline: str
    """One sentence: who, and how it stands."""
    why: str = ""
    next: str = ""
    """The command to type, or what to do; empty: nothing."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values, in the order in which they are read; a name can come several times."""


def worst(found: Iterable[Diagnosis]) -> Standing:
    """Return the standing of all together."""
    standings = {one.standing for one in found}
    return next((one for one in _WORST_FIRST if one in standings), Standing.READY)
