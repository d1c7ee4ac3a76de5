"""Read an HTTP answer of a pod: foreign text, whoever it is that listens there."""

import json
from math import isfinite
from typing import Any

from alembic_operator.contract.progress import PROGRESS_BYTES
from alembic_operator.core.observation import reading

LAST = 221_845_392_000.0
"""Seconds since 1970, up to the year 9000: what can be written as a time."""


def of_run(answer: bytes, run: str) -> Any:
    """Return the JSON that an answer has of this very run; None: it says nothing of it, or cannot be understood."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if len(answer) > PROGRESS_BYTES or b" 200 " not in head[:16]:
        return None
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return raw if reading.text(raw, "run") == run else None


def seconds(raw: Any, name: str, most: float = LAST) -> float | None:
    """Return a number of seconds from 0 on; None: it is none."""
    found = raw.get(name) if isinstance(raw, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0.0 <= found <= most:
        return None
    return float(found) if isfinite(found) else None
