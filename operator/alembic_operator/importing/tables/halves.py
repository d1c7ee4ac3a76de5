"""Looks for changed stretches of a large table in two processes: to read its values takes most of a second pass."""

import multiprocessing
import sqlite3
from collections.abc import Sequence
from multiprocessing.connection import Connection

from alembic_operator.importing.facts.failures import TryAgain
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.pairs import Pair
from alembic_operator.importing.tables import spread
from alembic_operator.importing.tables.rows import EVERYTHING, Span
from alembic_operator.importing.tables.stretches import Changed, Stretch, changed, key_names

_Part = tuple[int, int]


def changed_of(copy: sqlite3.Connection, pair: Pair, before: Sequence[Stretch]) -> list[Changed]:
    """Return what has changed since; nobody may write to the copy meanwhile."""
    file, middle = spread.shared(copy, pair), len(before) // 2
    edge = _row_id(copy, pair, before[middle]) if file and middle else None
    if file is None or edge is None:
        return changed(copy, pair, before, (0, len(before)), EVERYTHING)
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    work = theirs, file, pair, before, ((middle, len(before)), (edge, EVERYTHING[1]))
    other = context.Process(target=_tell, args=work, daemon=True)
    other.start()
    theirs.close()
    try:
        own = changed(copy, pair, before, (0, middle), (EVERYTHING[0], edge - 1))
        told = ours.recv()
    except EOFError as error:
        raise TryAgain(spread.KILLED) from error
    finally:
        ours.close()
        other.kill()
        other.join()
    if isinstance(told, Exception):
        raise told
    return [*own, *told]


def _row_id(copy: sqlite3.Connection, pair: Pair, stretch: Stretch) -> int | None:
    """Return the row id at which a stretch begins now; None: that row has gone."""
    names, key = key_names(pair), stretch.first
    if not names:
        return int(key)
    values = key if isinstance(key, tuple) else (key,)
    where = " AND ".join(f"{quoted(one)} IS ?" for one in names)
    row = copy.execute(f"SELECT {pair.file.row_id} FROM {quoted(pair.name)} WHERE {where}", values).fetchone()
    return row[0] if row else None


def _tell(pipe: Connection, file: str, pair: Pair, before: Sequence[Stretch], which: tuple[_Part, Span]) -> None:
    """Send what has changed."""
    with spread.reading(pipe, file) as copy:
        pipe.send(changed(copy, pair, before, *which))
