"""Sums up the lines of a table of the copy, by chunks of about 10,000 rows: to find out where both sides differ."""

import hashlib
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.column_field import Field
from alembic_operator.importing.mapping.pairs import Pair

ROWS_OF_A_CHUNK = 10_000
_SEPARATOR = "\x1f"
_ARGUMENTS = 60
"""Of SQLite's functions, which take 100 and more."""
_SPAN = 1 << 62


@dataclass(frozen=True)
class Chunks:
    """Which chunk a row belongs to, the same on both sides: by its number, or by a hash of its key."""

    number: int
    column: str = ""
    """The integer key; empty: by a hash."""
    first: int = 0
    width: int = 1
    key: tuple[Field, ...] = ()
    """What is hashed; empty: the whole line."""


@dataclass
class Sums:
    """Order-free checksums: rows and sum of hashes of each chunk."""

    chunks: dict[int, list[int]] = field(default_factory=dict)


def chunks(connection: sqlite3.Connection, pair: Pair) -> Chunks:
    """Divide a table."""
    name = quoted(pair.name)
    rows = connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0]
    number = -(-rows // ROWS_OF_A_CHUNK)
    if number <= 1:
        return Chunks(1)
    key = pair.file.key
    if (
        key
        and pair.table.primary == (key,)
        and (one := pair.field(key))
        and one.column.type in ("int2", "int4", "int8")
    ):
        first, last = connection.execute(f"SELECT min({quoted(key)}), max({quoted(key)}) FROM {name}").fetchone()
        if last - first < _SPAN:
            return Chunks(number, key, first, -(-(last - first + 1) // number))
    parts = [pair.field(one) for one in pair.table.primary]
    return Chunks(number, key=tuple(one for one in parts if one) if all(parts) else ())


def joined(fields: Sequence[Field]) -> str:
    """Return SQLite's expression for fields as a line."""
    calls = []
    for at in range(0, len(fields), _ARGUMENTS):
        pieces = [one.piece() for one in fields[at : at + _ARGUMENTS]]
        form = _SEPARATOR.join(form for form, _ in pieces)
        calls.append(f"printf('{form}', {', '.join(argument for _, argument in pieces)})")
    return f" || '{_SEPARATOR}' || ".join(calls) or "''"


def bucket(key: bytes, number: int) -> int:
    """Return the chunk of a key."""
    return int.from_bytes(hashlib.sha256(key).digest()[:4]) % number


def summed(connection: sqlite3.Connection, pair: Pair, divided: Chunks) -> Sums:
    """Read the table once, and sum up its lines."""
    sums = Sums()
    for chunk, line in _lines(connection, pair, divided):
        found = sums.chunks.setdefault(chunk, [0, 0])
        found[0] += 1
        found[1] += int.from_bytes(hashlib.sha256(line).digest()[:8], signed=True)
    return sums


def _lines(connection: sqlite3.Connection, pair: Pair, divided: Chunks) -> Iterator[tuple[int, bytes]]:
    """Return each row's chunk and line."""
    if divided.column:
        chunk = f"({quoted(divided.column)} - {divided.first}) / {divided.width}"
    else:
        chunk = joined(divided.key) if divided.number > 1 and divided.key else "0"
    hashed = divided.number > 1 and not divided.column
    for said, number in connection.execute(f"SELECT {joined(pair.fields)}, {chunk} FROM {quoted(pair.name)}"):
        line = as_bytes(said)
        yield (bucket(as_bytes(number) if divided.key else line, divided.number) if hashed else number), line


def as_bytes(said: bytes | float) -> bytes:
    """Return what SQLite said as text; a lone field may come as an integer."""
    return said if isinstance(said, bytes) else str(said).encode()
