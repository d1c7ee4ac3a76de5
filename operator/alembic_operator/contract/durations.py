"""Durations as users write them."""

from __future__ import annotations

import re

_DURATION_PART = re.compile(r"(\d+)(ms|s|m|h)")
_DURATION_LENGTH = 32
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
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
