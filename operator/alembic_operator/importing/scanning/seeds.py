"""Finds tables of PostgreSQL that hold just what the application's revisions insert by themselves.

That is what the same scripts leave in an empty file. Nobody has written such rows; those of the file take their place.
"""

import hashlib
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime

from alembic_operator.importing.facts.findings import Finding
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.column_field import Field
from alembic_operator.importing.mapping.pairs import Pair, Pairing
from alembic_operator.importing.scanning import scan
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.sqlite.scripts import Fresh
from alembic_operator.importing.tables.lines import as_bytes, joined
from alembic_operator.importing.tables.load import Target
from alembic_operator.importing.tables.verify import line

_MOST = 10_000
"""Rows of a table that revisions insert."""
_TIMES = ("timestamp", "timestamptz", "date")
_NUMBERS = ("int4", "int8")
_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
"""What a number of a time since 1970 may count: seconds to nanoseconds."""
_MINUTE = len("2024-02-29 12:00")
_LEFT_OUT = """
SELECT k.conrelid::regclass::text FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
WHERE k.contype = 'f' AND k.confrelid = $1::text::regclass
  AND NOT (c.relnamespace = $2::text::regnamespace AND c.relname = ANY($3::text[]))
"""


def told(name: str, *, seeded: bool) -> Finding:
    """Return what is told of a table with rows."""
    if seeded:
        message = "has the rows that revisions insert, and no others; those of the file take their place"
        return Finding("seeded", name, message, blocks=False)
    message = "has rows in PostgreSQL, not just those of revisions; stop the application, empty it, import again"
    return Finding("target-not-empty", name, message)


@dataclass(frozen=True)
class _Inserted:
    """What revisions insert, twice."""

    fresh: Fresh
    opened: sqlite3.Connection
    again: sqlite3.Connection


async def untouched(target: Target, fresh: Fresh, pairing: Pairing, names: Sequence[str]) -> dict[str, bytes]:
    """Return of those tables that are as a fresh upgrade leaves them what PostgreSQL says of their rows."""
    first, second = fresh.files
    with closing(snapshot.open_copy(first)) as opened, closing(snapshot.open_copy(second)) as again:
        scan.teach((opened, again), pairing)
        inserted = _Inserted(fresh, opened, again)
        found = {}
        for name in names:
            pair = pairing.pair(name)
            if pair and await _is_untouched(target, inserted, pair) and not await _is_held(target, pair, pairing):
                found[name] = await target.said(pair)
        return found


async def _is_held(target: Target, pair: Pair, pairing: Pairing) -> bool:
    """Tell whether rows refer to a table that are not imported: they would go with its own, or keep them."""
    names = [one.name for one in pairing.pairs]
    held = await target.connection.fetch(_LEFT_OUT, target.place(pair.name), quoted(target.schema), names)
    asked = [f"SELECT EXISTS (SELECT FROM {place})" for (place,) in held]
    return any([await target.connection.fetchval(sql) for sql in asked])


async def _is_untouched(target: Target, inserted: _Inserted, pair: Pair) -> bool:
    if not _is_whole(inserted.opened, pair):
        return False
    fields = [one for one in pair.fields if not _differs_each_time(inserted, pair, one)]
    if not fields:
        return False
    place = target.place(pair.name)
    sql = f"SELECT sha256(convert_to({line(fields)}, 'UTF8')) FROM {place} LIMIT {_MOST + 1}"
    there = Counter(bytes(said) for (said,) in await target.connection.fetch(sql))
    return there.total() <= _MOST and there == Counter(_lines(inserted.opened, pair, fields))


def _is_whole(opened: sqlite3.Connection, pair: Pair) -> bool:
    """Tell whether the table is there, and each of PostgreSQL's columns is compared."""
    if pair.name not in snapshot.names(opened):
        return False
    told = {one.column.name for one in pair.fields}
    kept = {one.name for one in pair.table.columns if not one.generated}
    return told == kept and set(snapshot.describe(opened, pair.name).columns) == set(pair.file.columns)


def _lines(opened: sqlite3.Connection, pair: Pair, fields: Sequence[Field]) -> Iterator[bytes]:
    for (said,) in opened.execute(f"SELECT {joined(fields)} FROM {quoted(pair.name)} LIMIT {_MOST}"):
        yield hashlib.sha256(as_bytes(said)).digest()


def _differs_each_time(inserted: _Inserted, pair: Pair, one: Field) -> bool:
    """Tell whether the revisions write the time at which they run there, or random UUIDs."""
    if one.column.type not in (*_TIMES, *_NUMBERS, "uuid"):
        return False
    said = _said(inserted.opened, pair, one)
    if one.column.type == "uuid":
        return bool(said) and not said & _said(inserted.again, pair, one)
    fresh = inserted.fresh
    if one.column.type in _NUMBERS:
        return any(int(fresh.begun) <= int(each) / unit <= fresh.ended for each in said for unit in _UNITS)
    length = _MINUTE if one.column.type != "date" else len("2024-02-29")
    return any(each[:length] in {now[:length] for now in _minutes(fresh)} for each in said)


def _said(opened: sqlite3.Connection, pair: Pair, one: Field) -> set[str]:
    rows = opened.execute(f"SELECT DISTINCT {one.value()} FROM {quoted(pair.name)} LIMIT {_MOST}")
    return {as_bytes(value).decode() for (value,) in rows if value is not None}


def _minutes(fresh: Fresh) -> Iterator[str]:
    """Return the minutes in which the file was built, in UTC and as clocks show them here."""
    for second in range(int(fresh.begun), int(fresh.ended) + 1):
        moment = datetime.fromtimestamp(second, UTC)
        yield moment.strftime("%Y-%m-%d %H:%M")
        yield moment.astimezone().strftime("%Y-%m-%d %H:%M")
