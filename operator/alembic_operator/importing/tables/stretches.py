"""Divides a table of the copy into stretches of some hundred rows with a checksum each; finds those that changed."""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.tables.rows import EVERYTHING, with_any_bytes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from alembic_operator.importing.mapping.pairs import Pair
    from alembic_operator.importing.tables.rows import Span

LEAST, _MOST = 64, 20_000
"""Rows of a stretch in most tables; stretches of a large one, which has longer ones."""
_AT_ONCE = 32
"""Rows that are read at once where they may be long; else twice as many."""
_VERSION = 2
"""Of marshal: a value has one form in it, whatever refers to it."""
_HEAD = 5
"""Bytes before the first row in the form of a list."""

Key = Any
"""What names a row among the others: the value of its key, or its row id; a tuple where a key has several columns."""


@dataclass(frozen=True)
class Stretch:
    """Rows that follow one another."""

    first: Key
    """Of its first row."""
    rows: int
    digest: str
    """Of all that SQLite keeps of them and that is carried over."""


@dataclass(frozen=True)
class Changed:
    """Rows that are others now than when the stretches were made."""

    begin: int
    end: int
    """The stretches from the first on, up to the last, that these rows were."""
    rows: int = 0
    """How many there are now."""
    span: Span | None = None
    """Their row ids; None: there are none."""


def key_column(pair: Pair) -> str:
    """Return the column that is the row id, and PostgreSQL's primary key; empty: none is."""
    key = pair.file.key
    one = pair.field(key) if key and pair.table.primary == (key,) else None
    return key if one and one.column.type in ("int2", "int4", "int8") else ""


def key_names(pair: Pair) -> tuple[str, ...]:
    """Return the columns that name a row; empty: its row id does."""
    return pair.table.primary if all(map(pair.field, pair.table.primary)) else ()


def width(pair: Pair) -> int:
    """Return how many rows a stretch has when it is made."""
    step = 2 * _AT_ONCE
    return -(-max(LEAST, pair.file.rows // _MOST) // step) * step


def divided(copy: sqlite3.Connection, pair: Pair) -> list[Stretch]:
    """Divide a table into stretches of the same number of rows."""
    found, now, wanted = [], _Open(), width(pair)
    for keys, ids, rows in _batches(copy, pair, EVERYTHING):
        now.add(keys, ids, rows)
        if now.rows >= wanted:
            found.append(now)
            now = _Open()
    return [Stretch(one.key, one.rows, one.digest) for one in (*found, now) if one.rows]


def changed(
    copy: sqlite3.Connection, pair: Pair, before: Sequence[Stretch], part: tuple[int, int], span: Span
) -> list[Changed]:
    """Return what has changed of some stretches, in some row ids; rows that only lie elsewhere may be among it."""
    begin, end = part
    places = {before[number].first: number for number in range(begin, end)}
    found: list[Changed] = []
    for one in _read(copy, pair, places, part, span):
        old = before[one.begin : one.end]
        if [(each.rows, each.digest) for each in old] != [(one.rows, one.digest)] and (old or one.rows):
            found.append(Changed(one.begin, one.end, one.rows, one.span))
    return found


@dataclass
class _Open:
    """A stretch that is being read."""

    begin: int = 0
    end: int = 0
    key: Key = None
    rows: int = 0
    span: Span | None = None
    found: hashlib._Hash = field(default_factory=hashlib.sha256)

    @property
    def digest(self) -> str:
        return self.found.hexdigest()[:32]

    def add(self, keys: Sequence[Key], ids: Sequence[int], rows: Sequence[Any]) -> None:
        if not rows:
            return
        if self.span is None:
            self.key = keys[0]
        self.span = (self.span[0] if self.span else ids[0]), ids[-1]
        self.rows += len(rows)
        self.found.update(memoryview(marshal.dumps(list(rows), _VERSION))[_HEAD:])


def _read(
    copy: sqlite3.Connection, pair: Pair, places: Mapping[Key, int], part: tuple[int, int], span: Span
) -> Iterator[_Open]:
    """Read rows in the order of their row ids, and begin a stretch where one began before."""
    now = _Open(begin=part[0])
    for keys, ids, rows in _batches(copy, pair, span):
        at = 0
        if not places.keys().isdisjoint(keys):
            for here, key in enumerate(keys):
                if places.get(key, -1) > now.begin:
                    now.add(keys[at:here], ids[at:here], rows[at:here])
                    now.end = places[key]
                    yield now
                    now, at = _Open(begin=places[key]), here
        now.add(keys[at:], ids[at:], rows[at:])
    now.end = part[1]
    yield now


def _batches(
    copy: sqlite3.Connection, pair: Pair, span: Span
) -> Iterator[tuple[Sequence[Key], Sequence[int], list[Any]]]:
    """Return keys, row ids and values of some rows at once."""
    names = [one.column.name for one in pair.fields]
    row_id = pair.file.row_id
    where = "" if span == EVERYTHING else f"WHERE {row_id} BETWEEN {span[0]} AND {span[1]}"
    rest = f"FROM {quoted(pair.name)} {where} ORDER BY {row_id}"
    step = _AT_ONCE if any(one.wide for one in pair.fields) else 2 * _AT_ONCE
    primary = [names.index(one) for one in key_names(pair)]
    named = itemgetter(*primary) if primary else None
    before = copy.text_factory
    copy.text_factory = with_any_bytes if any(one.raw for one in pair.fields) else str
    try:
        told = copy.execute(f"SELECT {', '.join(map(quoted, names)) or '1'} {rest}")
        numbers = None if named and key_column(pair) else copy.execute(f"SELECT {row_id} {rest}")
        while rows := told.fetchmany(step):
            keys = list(map(named, rows)) if named else []
            ids = [one for (one,) in numbers.fetchmany(step)] if numbers else keys
            yield keys or ids, ids, rows
    finally:
        copy.text_factory = before
