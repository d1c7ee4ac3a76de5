"""Read what the pod of an import answers when it is asked how far it is: foreign text, whoever listens there."""

from datetime import UTC, datetime

from alembic_operator.api import imports
from alembic_operator.contract.import_progress import COMPARES, INDEXES, LOADS, ImportProgress
from alembic_operator.core import times
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.answer import of_run, seconds

_NAME = 253


def read_import_progress(answer: bytes, run: str) -> ImportProgress | None:
    """Return what an HTTP answer says of this very run; None: it says nothing of it, or cannot be understood."""
    raw = of_run(answer, run)
    at, since = (seconds(raw, name) for name in ("at", "since"))
    if at is None or since is None:
        return None
    does = reading.text(raw, "does")
    rows, total = (max(0, reading.number(raw, name) or 0) for name in ("rows", "total"))
    table = "".join(one if one.isprintable() else " " for one in reading.text(raw, "table"))[:_NAME]
    known = does if does in (LOADS, COMPARES, INDEXES) else ""
    return ImportProgress(at, min(since, at), run, known, table, rows, total)


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
