"""Reads a table of the copy once, as blocks of the rows that COPY takes in its text, column by column."""

import sqlite3
from collections.abc import Generator, Iterator, Sequence
from typing import Any

from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.pairs import Pair

_AT_ONCE = 32
"""Rows that are read before somebody looks how long they are; one, while they are long."""
_MOST_ROWS = 2048
_BLOCK = 1 << 19
"""Characters, or bytes, that are held at once."""
Span = tuple[int, int]
"""The first and the last of some row ids."""
EVERYTHING: Span = (-(1 << 63), (1 << 63) - 1)


def blocks(connection: sqlite3.Connection, pair: Pair, span: Span = EVERYTHING) -> Generator[bytes, None, None]:
    """Read a table, or some of it; nobody else may use the connection meanwhile.

    Raises:
        UnfitError: a value cannot be carried over.
        UnicodeError, sqlite3.OperationalError: some text is not UTF-8.
    """
    names = ", ".join(quoted(one.column.name) for one in pair.fields)
    before = connection.text_factory
    connection.text_factory = with_any_bytes if any(one.raw for one in pair.fields) else str
    try:
        where = "" if span == EVERYTHING else f"WHERE {pair.file.row_id} BETWEEN {span[0]} AND {span[1]}"
        # Also where an index would give the same values: the order of the row ids is what others count on.
        cursor = connection.execute(f"SELECT {names} FROM {quoted(pair.name)} {where} ORDER BY {pair.file.row_id}")
        for rows in _batches(cursor, [at for at, one in enumerate(pair.fields) if one.wide]):
            columns = zip(*rows, strict=True)
            written = [one.written(values) for one, values in zip(pair.fields, columns, strict=True)]
            block = ("\n".join(map("\t".join, zip(*written, strict=True))) + "\n").encode()
            for at in range(0, len(block), _BLOCK):
                yield block[at : at + _BLOCK]
    finally:
        connection.text_factory = before


def with_any_bytes(said: bytes) -> str:
    """Return text that need not be UTF-8."""
    return said.decode(errors="surrogateescape")


def _batches(cursor: sqlite3.Cursor, wide: Sequence[int]) -> Iterator[list[Any]]:
    held: list[Any] = []
    size, step = 0, 1
    while rows := cursor.fetchmany(step):
        long = sum([len(row[at]) for at in wide for row in rows if isinstance(row[at], (str, bytes))])
        if long > _BLOCK:  # to write a row takes several times its own size
            step = 1
            yield from filter(None, (held, *([row] for row in rows)))
            held, size = [], 0
            continue
        held += rows
        size += long
        step = min(2 * step, _AT_ONCE)
        if size > _BLOCK or len(held) >= _MOST_ROWS:
            yield held
            held, size = [], 0
    if held:
        yield held
