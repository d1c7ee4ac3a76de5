"""Read the runner's JSON lines for people: what happened, facts after it, tracebacks as Python prints them. No I/O."""

import json
from dataclasses import dataclass
from typing import Any

from alembic_operator.kubectl.harmless import harmless

_UNFOLDED = "traceback"
_SECOND = len("2026-11-30T03:12:07")


@dataclass(frozen=True)
class Line:
    """One line of a log."""

    level: str
    text: str
    below: str = ""
    """A traceback, of several lines."""


def read(raw: str) -> Line:
    """Return a line for people; one that is not the runner's own, such as what env.py prints, as it is."""
    try:
        found: Any = json.loads(raw)
    except (ValueError, RecursionError):
        return Line("", harmless(raw, "\t"))
    if not isinstance(found, dict) or not isinstance(found.get("event"), str):
        return Line("", harmless(raw, "\t"))
    facts = {key: value for key, value in found.items() if key not in {"time", "level", "event", _UNFOLDED}}
    level = str(found.get("level", ""))
    when = str(found.get("time", ""))[:_SECOND].replace("T", " ")
    loud = "" if level in {"", "info"} else level.upper()
    told = (when, loud, found["event"], *(f"{key}={_value(value)}" for key, value in facts.items()))
    return Line(
        level, harmless(" ".join(filter(None, told)), "\t"), harmless(str(found.get(_UNFOLDED, "")).rstrip(), "\n\t")
    )


def _value(value: Any) -> str:
    if isinstance(value, str) and value and not set(value) & set(' "='):
        return value
    return json.dumps(value, ensure_ascii=False)
