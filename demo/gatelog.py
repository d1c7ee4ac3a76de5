"""What a gate said: why it held its pod back, and for how long."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from demo.scene import GATE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.access import Access


@dataclass(frozen=True)
class GateLog:
    """The log of one gate, as far as it goes."""

    waiting: str
    """Its own words about what it waits for; empty when it had not to wait."""
    seconds: float
    """From these words to the end; 0 while it has not ended."""


def read(access: Access, pod: str) -> GateLog:
    """Read the gate's log of a pod."""
    return parse(access.kubectl("logs", pod, f"--container={GATE}"))


def parse(log: str) -> GateLog:
    """Take from the log's lines of JSON what matters; Alembic's own lines stand between them."""
    entries = list(_entries(log))
    waits = [entry for entry in entries if entry.get("event") == "waiting"]
    ends = [entry for entry in entries if entry.get("event") == "ended"]
    return GateLog(
        waiting=waits[-1].get("message", "") if waits else "",
        seconds=(_when(ends[-1]) - _when(waits[0])).total_seconds() if waits and ends else 0.0,
    )


def _entries(log: str) -> Iterator[dict[str, Any]]:
    for line in log.splitlines():
        if line.startswith("{"):
            yield json.loads(line)


def _when(entry: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(entry["time"])
