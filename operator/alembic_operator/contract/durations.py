"""Durations as users write them."""

from __future__ import annotations

import re

_DURATION_PART = re.compile(r"(\d+)(ms|s|m|h)")
_DURATION_LENGTH = 32
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_IN_SECONDS, _IN_MINUTES = 120, 7200
"""From how many on a sentence says minutes, and hours."""
DURATION_PATTERN = r"^([0-9]+(ms|s|m|h))+$"
"""Durations as users write them: `500ms`, `2s`, `1h30m`."""


def seconds(duration: str) -> float:
    """Return a duration such as `500ms`, `2s` or `1h30m` in seconds.

    Raises:
        ValueError: the text is not a duration.
    """
    if len(duration) > _DURATION_LENGTH or not re.fullmatch(DURATION_PATTERN, duration):
        raise ValueError(f"{duration!r} is not a duration; write for example 500ms, 2s, 15m or 1h30m")
    return sum(int(number) * _SECONDS[unit] for number, unit in _DURATION_PART.findall(duration))


def spoken(seconds: float) -> str:
    """Return a duration for a sentence: `90 s`, `31 min`, `5 h 12 min`."""
    whole = max(0, int(seconds))
    if whole < _IN_SECONDS:
        return f"{whole} s"
    hours, minutes = divmod(whole // 60, 60)
    if whole < _IN_MINUTES:
        return f"{whole // 60} min"
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def written(seconds: float) -> str:
    """Return a duration of whole seconds as users write it: `1h30m5s`."""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{number}{unit}" for number, unit in parts if number) or "0s"
