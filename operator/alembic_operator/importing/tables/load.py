"""Fills one table of PostgreSQL: keys and indexes out of the way, COPY, keys and indexes again, counters set."""

import asyncio
import hashlib
import sqlite3
import threading
from collections.abc import AsyncIterator, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from alembic_operator.importing.facts.shapes import Table, literal, quoted
from alembic_operator.importing.mapping.pairs import Pair
from alembic_operator.importing.tables.spread import written

_BLOCKS_AHEAD = 16
MANY_ROWS = 10_000
"""Rows for which new files are made."""


@dataclass(frozen=True)
class Sent:
    """What a table was given."""

    rows: int
    sha256: bytes
    """Of the text of all rows, in their order."""


@dataclass(frozen=True)
class Target:
    """Where rows go."""

    connection: Any
    schema: str

    def place(self, table: str) -> str:
        """Return a table's name for SQL."""
        return f"{quoted(self.schema)}.{quoted(table)}"

    async def has(self, table: str) -> bool:
        """Tell whether there is a table."""
        return await self.connection.fetchval("SELECT to_regclass($1)", self.place(table)) is not None

    async def copy(self, pair: Pair, blocks: Generator[bytes, None, None], *, frozen: bool) -> int:
        """Send rows to a table, and return how many there were."""
        told = await self.connection.copy_to_table(
            pair.name,
            schema_name=self.schema,
            columns=[one.column.name for one in pair.fields],
            source=_ahead(blocks),
            format="text",
            encoding="utf8",
            freeze=frozen,
        )
        return int(told.split()[-1])

    async def said(self, pair: Pair) -> bytes:
        """Return the SHA-256 of the text that PostgreSQL makes of a table's rows, in the order in which they lie."""
        found = hashlib.sha256()

        async def take(block: bytes) -> None:
            found.update(block)

        told = ", ".join(one.told() for one in pair.fields)
        sql = f"SELECT {told} FROM {self.place(pair.name)}"
        await self.connection.copy_from_query(sql, output=take, format="text", encoding="utf8")
        return found.digest()

    async def renew(self, pair: Pair) -> bool:
        """Give a large empty table new files, in which rows lie as they come, frozen; tell whether it has them."""
        place = self.place(pair.name)
        alone = pair.file.rows > MANY_ROWS and await self.connection.fetchval(_ALONE, place)
        if alone:
            await self.connection.execute(f"TRUNCATE ONLY {place}")
        return bool(alone)

    async def clear(self, table: Table) -> None:
        """Take keys, later indexes and triggers out of the way, in the transaction that brings them back."""
        for reference in table.references:
            await self.connection.execute(
                f"ALTER TABLE {self.place(table.name)} DROP CONSTRAINT {quoted(reference.name)}"
            )
        for index in table.indexes:
            await self.connection.execute(f"DROP INDEX {self.place(index.name)}")
        await self.quiet(table)

    async def quiet(self, table: Table) -> None:
        """Let no trigger run, in the transaction that lets them run again."""
        if table.triggers:
            await self.connection.execute(f"ALTER TABLE {self.place(table.name)} DISABLE TRIGGER USER")

    async def index(self, table: Table) -> None:
        """Build the indexes again, and wake the triggers."""
        for index in table.indexes:
            await self.connection.execute(index.definition)
        await self.wake(table)

    async def wake(self, table: Table) -> None:
        """Let the triggers run again that ran before."""
        for name, enable in table.triggers:
            await self.connection.execute(f"ALTER TABLE {self.place(table.name)} {enable} TRIGGER {quoted(name)}")

    async def refer(self, table: Table, *, valid: bool) -> None:
        """Bring the foreign keys back; not valid: only for rows that come later, until all tables are there."""
        for reference in table.references:
            later = "" if valid or reference.definition.endswith("NOT VALID") else " NOT VALID"
            await self.connection.execute(
                f"ALTER TABLE {self.place(table.name)}"
                f" ADD CONSTRAINT {quoted(reference.name)} {reference.definition}{later}"
            )

    async def count_on(self, pair: Pair) -> None:
        """Let each counter go on behind the highest number, or from its start where there is none."""
        for column in pair.table.columns:
            if column.sequence:
                given = pair.file.counted if column.name == pair.file.key else 0
                await self.connection.execute(_counter(self.place(pair.name), column.name, column.sequence, given))


def _counter(place: str, column: str, sequence: str, given: int) -> str:
    """Return what sets a counter, also one that counts downwards, or has given numbers whose rows have gone since."""
    return f"""
SELECT setval({literal(sequence)}::regclass, CASE WHEN found.edge IS NULL THEN s.seqstart ELSE found.edge END,
              found.edge IS NOT NULL)
FROM pg_sequence s, LATERAL (
  SELECT CASE WHEN s.seqincrement > 0
           THEN greatest(max({quoted(column)}), CASE WHEN {given} BETWEEN 1 AND s.seqmax THEN {given} END)
           ELSE min({quoted(column)}) END AS edge
  FROM {place} WHERE {quoted(column)} BETWEEN s.seqmin AND s.seqmax
) found WHERE s.seqrelid = {literal(sequence)}::regclass
"""


_ALONE = """
SELECT relkind = 'r' AND NOT EXISTS (SELECT FROM pg_constraint WHERE contype = 'f' AND confrelid = c.oid)
FROM pg_class c WHERE c.oid = $1::text::regclass
"""
"""Whether PostgreSQL truncates a table without others."""


async def _ahead(lines: Generator[bytes, None, None]) -> AsyncIterator[bytes]:
    """Read some blocks ahead in a thread, so that neither SQLite nor PostgreSQL waits for the other."""
    loop, ready = asyncio.get_running_loop(), asyncio.Queue[bytes | None]()
    room, ended = threading.Semaphore(_BLOCKS_AHEAD), threading.Event()

    def read() -> None:
        try:
            for block in lines:
                room.acquire()
                if ended.is_set():
                    return
                loop.call_soon_threadsafe(ready.put_nowait, block)
        finally:
            lines.close()
            loop.call_soon_threadsafe(ready.put_nowait, None)

    with ThreadPoolExecutor(1) as own:  # which ends with it, so that the next table may fork
        reading = loop.run_in_executor(own, read)
        try:
            while (block := await ready.get()) is not None:
                room.release()
                yield block
        finally:
            ended.set()
            room.release()
            await reading  # nobody else may use SQLite's connection before


async def fill(target: Target, pair: Pair, copy: sqlite3.Connection) -> Sent:
    """Copy a table's rows, and return what was sent."""
    frozen = await target.renew(pair)
    sent = hashlib.sha256()
    with written(copy, pair) as blocks:
        rows = await target.copy(pair, _hashed(blocks, sent), frozen=frozen)
    return Sent(rows, sent.digest())


def _hashed(sent: Generator[bytes, None, None], found: "hashlib._Hash") -> Generator[bytes, None, None]:
    with closing(sent):
        for block in sent:
            found.update(block)
            yield block
