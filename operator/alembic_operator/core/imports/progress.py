"""Read what the pod of an import answers when it is asked how far it is: foreign text, whoever listens there."""

import json
from datetime import UTC, datetime

from alembic_operator.api import imports
from alembic_operator.contract.import_progress import COMPARES, INDEXES, LOADS, ImportProgress
from alembic_operator.contract.progress import PROGRESS_BYTES
from alembic_operator.core import times
from alembic_operator.core.observation import reading

_NAME = 253
_LAST = 221_845_392_000.0
"""Seconds since 1970, up to the year 9000: what can be written as a time."""


def read_import_progress(answer: bytes, run: str) -> ImportProgress | None:
    """Return what an HTTP answer says of this very run; None: it says nothing of it, or cannot be understood."""
    head, _, body = answer.partition(b"\r\n\r\n")
    if len(answer) > PROGRESS_BYTES or b" 200 " not in head[:16]:
        return None
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        return None
    at, since = (_seconds(raw, name) for name in ("at", "since"))
    if reading.text(raw, "run") != run or at is None or since is None:
        return None
    does = reading.text(raw, "does")
    rows, total = (max(0, reading.number(raw, name) or 0) for name in ("rows", "total"))
    table = "".join(one if one.isprintable() else " " for one in reading.text(raw, "table"))[:_NAME]
    known = does if does in (LOADS, COMPARES, INDEXES) else ""
    return ImportProgress(at, min(since, at), run, known, table, rows, total)


def _seconds(raw: object, name: str) -> float | None:
    found = raw.get(name) if isinstance(raw, dict) else None
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found <= _LAST:
        return None
    return float(found)


def told(answer: ImportProgress | None) -> imports.ImportProgress | None:
    """Return what a pod has answered as the status has it; None: nothing was answered."""
    if answer is None:
        return None
    return imports.ImportProgress(
        table=answer.table or None,
        rows=answer.rows,
        total=answer.total or None,
        rows_per_second=answer.pace or None,
        eta_seconds=answer.left,
        doing=str(answer),
        at=times.text(datetime.fromtimestamp(answer.at, UTC)),
    )
