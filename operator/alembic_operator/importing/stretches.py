"""Divides a table of the copy into stretches of some hundred rows with a checksum each; finds those that changed."""

from __future__ import annotations

import hashlib
import marshal
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from alembic_operator.importing.rows import with_any_bytes
from alembic_operator.importing.shapes import quoted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from alembic_operator.importing.pairs import Pair
    from alembic_operator.importing.rows import Span

ROWS = 512
_AT_ONCE = 32
"""Rows that are read at once where they may be long."""
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


def divided(copy: sqlite3.Connection, pair: Pair) -> list[Stretch]:
    """Divide a table into stretches of the same number of rows."""
    return [Stretch(one.key, one.rows, one.digest) for one in _read(copy, pair, None)]


def changed(copy: sqlite3.Connection, pair: Pair, before: Sequence[Stretch]) -> list[Changed]:
    """Return what has changed since; rows that only lie elsewhere may be among it."""
    places = {one.first: number for number, one in enumerate(before)}
    found: list[Changed] = []
    for one in _read(copy, pair, places):
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


def _read(copy: sqlite3.Connection, pair: Pair, places: Mapping[Key, int] | None) -> Iterator[_Open]:
    """Read a table in the order of its row ids; begin a stretch where one began before, or each some hundred rows."""
    now = _Open()
    for keys, ids, rows in _batches(copy, pair):
        at = 0
        if places is not None and not places.keys().isdisjoint(keys):
            for here, key in enumerate(keys):
                if places.get(key, -1) > now.begin:
                    now.add(keys[at:here], ids[at:here], rows[at:here])
                    now.end = places[key]
                    yield now
                    now, at = _Open(begin=places[key]), here
        now.add(keys[at:], ids[at:], rows[at:])
        if places is None and now.rows >= ROWS:
            yield now
            now = _Open()
    if places is not None or now.rows:
        now.end = len(places or ())
        yield now


def _batches(copy: sqlite3.Connection, pair: Pair) -> Iterator[tuple[Sequence[Key], Sequence[int], list[Any]]]:
    """Return keys, row ids and values of some rows at once."""
    names = [one.column.name for one in pair.fields]
    table, row_id = quoted(pair.name), pair.file.row_id
    values = ", ".join(map(quoted, names)) or "1"
    step = _AT_ONCE if any(one.wide for one in pair.fields) else ROWS
    primary = [names.index(one) for one in pair.table.primary if one in names]
    named = itemgetter(*primary) if primary and len(primary) == len(pair.table.primary) else None
    before = copy.text_factory
    copy.text_factory = with_any_bytes if any(one.raw for one in pair.fields) else str
    try:
        told, numbers = (copy.execute(f"SELECT {one} FROM {table} ORDER BY {row_id}") for one in (values, row_id))
        while rows := told.fetchmany(step):
            ids = [one for (one,) in numbers.fetchmany(step)]
            yield list(map(named, rows)) if named else ids, ids, rows
    finally:
        copy.text_factory = before
