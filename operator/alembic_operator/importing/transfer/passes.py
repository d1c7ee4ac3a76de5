"""What is kept in PostgreSQL of a first pass, so that a second one carries over only what has changed since."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.tables import stretches
from alembic_operator.importing.tables.stretches import Stretch

if TYPE_CHECKING:
    import sqlite3

    from alembic_operator.importing.facts.options import Options
    from alembic_operator.importing.mapping.pairs import Pair
    from alembic_operator.importing.tables.load import Target

TABLE = "alembic_operator_passes"
"""Which rows the first pass has written, until the second has ended."""


@dataclass(frozen=True)
class Footprint:
    """Who has written a table's rows: each change of a row makes another of it, by PostgreSQL's own numbers."""

    rows: int
    own: int
    """By one transaction."""
    others: int
    """Sum of the numbers of the other rows' transactions."""


@dataclass(frozen=True)
class Kept:
    """What is kept of one table."""

    heads: str
    """PostgreSQL's revision."""
    shape: str
    """Of what the table was and how it was carried over."""
    transaction: str
    footprint: Footprint
    files: int | None
    """Number of the table's file; None: it has several, or none."""
    stretches: tuple[Stretch, ...]
    places: tuple[str, ...]
    """Where in PostgreSQL each begins; empty: their order there is not known."""


def shape(options: Options, pair: Pair) -> str:
    """Return what must be the same in both passes."""
    columns = [(one.column.name, one.column.label, one.column.not_null) for one in pair.fields]
    readings = [options.readings.get(f"{pair.name}.{name}", "") for name, *_ in columns]
    said = repr((columns, readings, pair.table.primary, pair.file.key, options.on_bad_row, options.orphans))
    return hashlib.sha256(said.encode()).hexdigest()


async def footprint(target: Target, table: str, transaction: str) -> Footprint:
    """Return who has written a table's rows."""
    sql = f"""
        SELECT count(*), count(*) FILTER (WHERE xmin = $1::text::xid) AS own,
               coalesce(sum(xmin::text::int8) FILTER (WHERE xmin <> $1::text::xid), 0)::int8 AS others
        FROM {target.place(table)}"""
    return Footprint(*await target.connection.fetchrow(sql, transaction))


async def transaction(target: Target) -> str:
    """Return the number that PostgreSQL gives to the rows of this transaction."""
    return str(await target.connection.fetchval("SELECT (txid_current() % 4294967296)::text"))


async def files(target: Target, table: str) -> int | None:
    """Return the number of a table's file."""
    found = await target.connection.fetchval(
        "SELECT pg_relation_filenode($1::text::regclass)::int8", target.place(table)
    )
    return None if found is None else int(found)


async def begin(target: Target) -> None:
    """Make the table in which all is kept."""
    await target.connection.execute(
        f"CREATE TABLE IF NOT EXISTS {target.place(TABLE)} (table_name text PRIMARY KEY, heads text, shape text,"
        " transaction text, rows bigint, own bigint, others bigint, files bigint, stretches text, places text,"
        " at timestamptz DEFAULT now())"
    )


async def keep(target: Target, pair: Pair, copy: sqlite3.Connection, told: tuple[str, str], *, ordered: bool) -> None:
    """Keep what a table is now, in the transaction that has filled it; `told` are the revision and the shape."""
    number = await transaction(target)
    found = stretches.divided(copy, pair)
    places = await _places(target, pair) if ordered and not stretches.key_column(pair) else []
    values = (
        pair.name,
        *told,
        number,
        *astuple(await footprint(target, pair.name, number)),
        await files(target, pair.name),
        json.dumps([[_plain(one.first), one.rows, one.digest] for one in found]),
        json.dumps(places if len(places) == len(found) else []),
    )
    sql = f"INSERT INTO {target.place(TABLE)} VALUES ({', '.join(f'${at + 1}' for at in range(len(values)))})"
    await target.connection.execute(sql, *values)


async def _places(target: Target, pair: Pair) -> list[str]:
    """Return where each stretch begins, of rows that lie as they came."""
    rows = await target.connection.fetch(
        "SELECT ctid::text FROM (SELECT ctid, row_number() OVER () AS number"
        f" FROM {target.place(pair.name)}) numbered WHERE number % {stretches.width(pair)} = 1"
    )
    return [row[0] for row in rows]


async def find(target: Target) -> dict[str, Kept] | None:
    """Return what was kept, by table; None: there was no first pass."""
    if not await target.has(TABLE):
        return None
    rows = await target.connection.fetch(f"SELECT * FROM {target.place(TABLE)}")
    return {
        row["table_name"]: Kept(
            heads=row["heads"],
            shape=row["shape"],
            transaction=row["transaction"],
            footprint=Footprint(row["rows"], row["own"], row["others"]),
            files=row["files"],
            stretches=tuple(Stretch(_key(first), *rest) for first, *rest in json.loads(row["stretches"])),
            places=tuple(json.loads(row["places"])),
        )
        for row in rows
    }


async def forget(target: Target) -> None:
    """Drop what was kept."""
    await target.connection.execute(f"DROP TABLE {target.place(TABLE)}")


def _plain(key: Any) -> Any:
    """Return a key as JSON can have it."""
    match key:
        case bytes():
            return {"bytes": base64.b64encode(key).decode()}
        case tuple():
            return list(map(_plain, key))
    return key


def _key(plain: Any) -> Any:
    match plain:
        case dict():
            return base64.b64decode(plain["bytes"])
        case list():
            return tuple(map(_key, plain))
    return plain


def where(pair: Pair, kept: Kept, begin: int, end: int) -> str:
    """Return PostgreSQL's condition for the rows of stretches that follow one another; empty: there is none."""
    if begin == end:
        return "false"
    if (begin, end) == (0, len(kept.stretches)):
        return "true"
    key = stretches.key_column(pair)
    if not key and not kept.places:
        return ""
    name = quoted(key) if key else "ctid"

    def edge(at: int) -> str:
        return str(kept.stretches[at].first) if key else f"'{kept.places[at]}'::tid"

    low = [f"{name} >= {edge(begin)}"] if begin else []
    high = [f"{name} < {edge(end)}"] if end < len(kept.stretches) else []
    return " AND ".join(low + high)
