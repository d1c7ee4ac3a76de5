"""Reads a table of the copy as the lines that COPY takes, and sums up what was read, by chunks of about 10,000 rows."""

import hashlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from alembic_operator.importing.column_field import Field
from alembic_operator.importing.pairs import Pair
from alembic_operator.importing.shapes import quoted
from alembic_operator.importing.values import spelled

ROWS_OF_A_CHUNK = 10_000
_SEPARATOR = "char(31)"
_BLOCK_BYTES = 1 << 19
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

    @property
    def rows(self) -> int:
        """How many there were."""
        return sum(rows for rows, _ in self.chunks.values())


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
    return f" || {_SEPARATOR} || ".join(one.source() for one in fields) or "''"


def bucket(key: bytes, number: int) -> int:
    """Return the chunk of a key."""
    return int.from_bytes(hashlib.sha256(key).digest()[:4]) % number


def blocks(connection: sqlite3.Connection, pair: Pair, divided: Chunks, sums: Sums) -> Iterator[bytes]:
    """Read the table once, as blocks of lines; adds each to the sums."""
    held: list[bytes] = []
    size = 0
    sha256, number_of = hashlib.sha256, int.from_bytes  # a million rows notice
    for chunk, line in _lines(connection, pair, divided):
        found = sums.chunks.get(chunk)
        if found is None:
            found = sums.chunks[chunk] = [0, 0]
        found[0] += 1
        found[1] += number_of(sha256(line).digest()[:8], signed=True)
        held.append(line)
        size += len(line)
        if size > _BLOCK_BYTES:
            held.append(b"")
            yield b"\n".join(held)
            held, size = [], 0
    if held:
        held.append(b"")
        yield b"\n".join(held)


def _lines(connection: sqlite3.Connection, pair: Pair, divided: Chunks) -> Iterator[tuple[int, bytes]]:
    """Return each row's chunk and line."""
    if divided.column:
        chunk = f"({quoted(divided.column)} - {divided.first}) / {divided.width}"
    else:
        chunk = joined(divided.key) if divided.key else "NULL"
    pieces = _pieces(pair.fields)
    cursor = connection.execute(f"SELECT {chunk}, {', '.join(pieces)} FROM {quoted(pair.name)}")
    if len(pieces) == 1:
        for found, said in cursor:
            line = as_bytes(said)
            yield _number(divided, found, line), line
        return
    for found, *parts in cursor:
        line = b"\x1f".join([one if type(one) is bytes else _spelled(one) for one in parts])
        yield _number(divided, found, line), line


def _pieces(fields: Sequence[Field]) -> list[str]:
    """Return SQLite's expressions for what is put together outside: doubles as they are, all between them as text."""
    pieces: list[str] = []
    for doubles, group in itertools.groupby(fields, lambda one: one.double):
        some = list(group)
        pieces += [one.unwritten() for one in some] if doubles else [joined(some)]
    return pieces


def _spelled(said: float | bytes) -> bytes:
    """Return a double as PostgreSQL prints it, or what SQLite gave as another number."""
    return spelled(said).encode() if isinstance(said, float) else as_bytes(said)


def _number(divided: Chunks, found: Any, line: bytes) -> int:
    if divided.column:
        return int(found)
    return bucket(line if found is None else as_bytes(found), divided.number) if divided.number > 1 else 0


def as_bytes(said: bytes | float) -> bytes:
    """Return what SQLite said as text; a lone field may come as an integer."""
    return said if isinstance(said, bytes) else _spelled(said) if isinstance(said, float) else str(said).encode()
