"""Reads what PostgreSQL now has and compares it with what was read from the copy."""

import asyncio
import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.column_field import Field
from alembic_operator.importing.mapping.pairs import Pair
from alembic_operator.importing.tables.lines import Chunks, as_bytes, bucket, chunks, joined, summed

_ARGUMENTS = 90
"""PostgreSQL's functions take 100."""
_NAMED_ROWS = 3
_COUNTED = ("int2", "int4", "int8")


@dataclass(frozen=True)
class Difference:
    """Rows that are not the same on both sides."""

    table: str
    message: str


def line(fields: Sequence[Field]) -> str:
    """Return PostgreSQL's expression for fields as a line."""
    parts = [part for one in fields for part in ("E'\\x1f'", one.target())][1:]
    while len(parts) > _ARGUMENTS:
        parts = [f"concat({', '.join(parts[at : at + _ARGUMENTS])})" for at in range(0, len(parts), _ARGUMENTS)]
    return f"concat({', '.join(parts)})"


def _chunk(divided: Chunks, whole: str) -> str:
    if divided.column:
        return f"(({quoted(divided.column)}::int8 - {divided.first}) / {divided.width})"
    if divided.number == 1:
        return "0"
    key = line(divided.key) if divided.key else whole
    return f"({_hashed(key, 4)} % {divided.number})"


def _hashed(said: str, length: int) -> str:
    """Return PostgreSQL's expression for the first bytes of a hash, as a number."""
    first = f"encode(substr(sha256(convert_to({said}, 'UTF8')), 1, {length}), 'hex')"
    return f"('x' || {first})::bit({length * 8})::int8"


async def compare(connection: Any, place: str, pair: Pair, opened: sqlite3.Connection) -> list[Difference]:
    """Return what differs by checksums, named by row ids and columns; and by numbers of values and sums."""
    divided = chunks(opened, pair)
    read = await asyncio.to_thread(summed, opened, pair, divided)
    whole = line(pair.fields)
    rows = await connection.fetch(
        f"SELECT {_chunk(divided, whole)}, count(*), sum({_hashed(whole, 8)})::text, {', '.join(_asked(pair))}"
        f" FROM {place} GROUP BY 1"
    )
    ours = await asyncio.to_thread(_told, opened, pair)
    found = {row[0]: [row[1], int(row[2])] for row in rows}
    different = _unequal(pair, ours, [sum(int(row[at + 3]) for row in rows) for at in range(len(ours))])
    for chunk in sorted(found.keys() | read.chunks.keys()):
        if found.get(chunk) != read.chunks.get(chunk):
            different.append(await _named(connection, place, pair, divided, (opened, chunk)))
    return different


async def _named(
    connection: Any, place: str, pair: Pair, divided: Chunks, where: tuple[sqlite3.Connection, int]
) -> Difference:
    opened, chunk = where
    keys = [one for name in pair.table.primary if (one := pair.field(name))]
    whole = line(pair.fields)
    hashes = ", ".join(_whole_hash(f"concat({one.target()})") for one in pair.fields)
    key = _whole_hash(line(keys) if keys else whole)
    rows = await connection.fetch(f"SELECT {key}, {hashes} FROM {place} WHERE {_chunk(divided, whole)} = {chunk}")
    there = Counter(tuple(row) for row in rows)
    by_key = {row[0]: tuple(row)[1:] for row in rows}
    ids: list[int] = []
    columns: Counter[str] = Counter()
    for row_id, key, fields in _of_copy(opened, pair, keys, divided, chunk):
        if there[key, *fields] > 0:
            there[key, *fields] -= 1
            continue
        ids.append(row_id)
        other = by_key.get(key, ())
        columns.update(
            one.column.name for one, mine, its in zip(pair.fields, fields, other, strict=False) if mine != its
        )
    return Difference(pair.name, _sentence(ids, columns, sum(there.values())))


def _sentence(ids: list[int], columns: Counter[str], left: int) -> str:
    said = []
    if ids:
        span = f"row ids {min(ids)} to {max(ids)}" if len(ids) > 1 else f"row id {ids[0]}"
        named = f", column {', '.join(sorted(columns))}" if columns else ", missing in PostgreSQL"
        said.append(f"{len(ids)} of {span} differ{named}")
    if left > len(ids) or (left and not columns):
        said.append(f"{left} rows of PostgreSQL are not in the file like this")
    return "; ".join(said)


def _of_copy(
    connection: sqlite3.Connection, pair: Pair, keys: Sequence[Field], divided: Chunks, chunk: int
) -> Iterator[tuple[int, str, tuple[str, ...]]]:
    """Return row id, hash of the key and hashes of the fields of a chunk's rows."""
    whole = joined(pair.fields)
    key = joined(keys) if keys else whole
    told = ", ".join(joined([one]) for one in pair.fields)
    where = f"({quoted(divided.column)} - {divided.first}) / {divided.width} = {chunk}" if divided.column else "1"
    sql = f"SELECT {pair.file.row_id}, {key}, {told} FROM {quoted(pair.name)} WHERE {where}"
    for row_id, its_key, *fields in connection.execute(sql):
        name = as_bytes(its_key)
        if divided.number > 1 and not divided.column and bucket(name, divided.number) != chunk:
            continue
        yield row_id, _hash(name), tuple(_hash(as_bytes(one)) for one in fields)


def _hash(said: bytes) -> str:
    return hashlib.sha256(said).hexdigest()


def _whole_hash(said: str) -> str:
    return f"encode(sha256(convert_to({said}, 'UTF8')), 'hex')"


async def counts(connection: Any, place: str, pair: Pair, opened: sqlite3.Connection) -> list[Difference]:
    """Return in which columns the numbers of values, or the sums of integers, differ."""
    theirs = await connection.fetchrow(f"SELECT {', '.join(_asked(pair))} FROM {place}")
    return _unequal(pair, _told(opened, pair), list(map(int, theirs)))


def _unequal(pair: Pair, ours: list[int], theirs: list[int]) -> list[Difference]:
    meant = ["rows", *(f"number of values in {one.column.name}" for one in pair.fields)]
    meant += [f"sum of {one.column.name}" for one in _summed(pair)]
    both = zip(meant, ours, theirs, strict=True)
    return [Difference(pair.name, f"{what}: not the same on both sides") for what, mine, its in both if mine != its]


def _summed(pair: Pair) -> list[Field]:
    return [one for one in pair.fields if one.column.type in _COUNTED]


def _asked(pair: Pair) -> list[str]:
    """Return what PostgreSQL is asked: number of rows and of values, and sums."""
    asked = ["count(*)", *(f"count({quoted(one.column.name)})" for one in pair.fields)]
    return asked + [f"coalesce(sum({quoted(one.column.name)}), 0)::text" for one in _summed(pair)]


def _told(opened: sqlite3.Connection, pair: Pair) -> list[int]:
    """Return the same of the copy; sums in halves, for SQLite's own would overflow."""
    asked = ["count(*)", *(f"count({quoted(one.column.name)})" for one in pair.fields)]
    for one in _summed(pair):
        number = f"CAST({quoted(one.column.name)} AS INTEGER)"
        asked += [f"ifnull(sum({number} >> 32), 0)", f"ifnull(sum({number} & 4294967295), 0)"]
    told = opened.execute(f"SELECT {', '.join(asked)} FROM {quoted(pair.name)}").fetchone()
    counted = len(pair.fields) + 1
    halves = zip(told[counted::2], told[counted + 1 :: 2], strict=True)
    return [*told[:counted], *((high << 32) + low for high, low in halves)]
