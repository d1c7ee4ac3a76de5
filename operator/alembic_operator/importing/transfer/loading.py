"""Loads all tables so that nothing half is ever visible: in one transaction, or one for each table with a marker."""

import sqlite3
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg

from alembic_operator.importing.facts.answer import Loaded
from alembic_operator.importing.facts.failures import Different, ImportFailed, TryAgain
from alembic_operator.importing.facts.options import Verify
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.mapping.pairs import Pair, Pairing
from alembic_operator.importing.scanning import mend
from alembic_operator.importing.tables import marks, order, verify
from alembic_operator.importing.tables.load import Target, fill
from alembic_operator.importing.transfer import passes

MARKERS = "alembic_operator_import"
"""Which tables are complete, while an import with a transaction for each table is under way."""
ONE_TRANSACTION = 1 << 30
"""Bytes of the copy, up to which everything is loaded at once."""


async def unfinished(target: Target) -> bool:
    """Tell whether a run with a transaction for each table has not come to its end."""
    return await target.has(MARKERS)


@dataclass(frozen=True)
class Loading:
    """What is loaded, and where."""

    target: Target
    copy: sqlite3.Connection
    pairing: Pairing
    sha256: str
    verify: Verify
    mark: str = ""
    """As in Options."""
    first: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """In a first pass: revision and shape of each table."""

    @property
    def pairs(self) -> list[Pair]:
        """Return the pairs, parents first."""
        ordered = order.by_references(pair.table for pair in self.pairing.pairs)
        return [pair for table in ordered if (pair := self.pairing.pair(table.name))]

    async def at_once(self) -> list[Loaded]:
        """Load all tables in one transaction, which ends only when all of them are equal."""
        async with self.target.connection.transaction():
            await self._begin()
            await self.lock(self.pairs)
            await self._make_way()
            await self._empty(self.pairs)
            for pair in self.pairs:
                await self.target.clear(pair.table)
            loaded = [await self._table(pair) for pair in self.pairs]
            for pair in self.pairs:
                await self.target.refer(pair.table, valid=True)
            await self.mark_complete(loaded)
        return loaded

    async def one_by_one(self) -> list[Loaded]:
        """Load each table in a transaction of its own; those that an earlier run has completed are left."""
        connection = self.target.connection
        place = self.target.place(MARKERS)
        await connection.execute(
            f"CREATE TABLE IF NOT EXISTS {place}"
            " (table_name text PRIMARY KEY, sha256 text, rows bigint, seconds float8)"
        )
        await self._begin()
        async with connection.transaction():
            await self.lock([pair for pair in self.pairs if pair.name in self.pairing.seeded])
            await self._make_way()
        loaded = [await self._marked(pair, place) for pair in self.pairs]
        await self._validate()
        async with connection.transaction():
            await connection.execute(f"DROP TABLE {place}")
            await self.mark_complete(loaded)
        return loaded

    async def _begin(self) -> None:
        if self.first:
            await passes.begin(self.target)

    async def _marked(self, pair: Pair, place: str) -> Loaded:
        """Load a table with its marker, unless it has one: the server may still have ended what a killed run began."""
        connection = self.target.connection
        async with connection.transaction():
            await self.lock([pair])
            done = await connection.fetchrow(f"SELECT rows, seconds FROM {place} WHERE table_name = $1", pair.name)
            if done:
                return Loaded(pair.name, done["rows"], done["seconds"])
            await self._empty([pair])
            await self.target.clear(pair.table)
            one = await self._table(pair)
            await self.target.refer(pair.table, valid=False)
            marker = (one.name, self.sha256, one.rows, one.seconds)
            await connection.execute(f"INSERT INTO {place} VALUES ($1, $2, $3, $4)", *marker)
        return one

    async def lock(self, pairs: Sequence[Pair]) -> None:
        """Keep others away from tables."""
        if not pairs:
            return
        places = ", ".join(self.target.place(pair.name) for pair in pairs)
        try:
            await self.target.connection.execute(f"LOCK TABLE {places} IN ACCESS EXCLUSIVE MODE")
        except asyncpg.LockNotAvailableError as error:
            raise TryAgain("somebody else uses the tables in PostgreSQL; stop the application first") from error

    async def _make_way(self) -> None:
        """Take out what revisions have inserted, if that is still all there is."""
        pairs = [pair for pair in self.pairs if pair.name in self.pairing.seeded]
        for pair in pairs:
            if await self.target.said(pair) != self.pairing.seeded[pair.name]:
                raise ImportFailed(f"{pair.name} has other rows by now; stop the application first, and import again")
            await self.target.clear(pair.table)
        for pair in pairs:
            await self.target.connection.execute(f"DELETE FROM {self.target.place(pair.name)}")
        for pair in pairs:
            await self.target.index(pair.table)
            await self.target.refer(pair.table, valid=True)

    async def _empty(self, pairs: Sequence[Pair]) -> None:
        """Make sure that nobody has filled tables meanwhile."""
        for pair in pairs:
            if await self.target.connection.fetchval(f"SELECT EXISTS (SELECT FROM {self.target.place(pair.name)})"):
                raise ImportFailed(f"{pair.name} has rows by now; stop the application first, and empty the table")

    async def _table(self, pair: Pair) -> Loaded:
        begun = time.monotonic()
        sent = await fill(self.target, pair, self.copy)
        ordered = self.verify == "full" and await self.target.said(pair) == sent.sha256
        if self.verify == "counts":
            different = await verify.counts(self.target.connection, self.target.place(pair.name), pair, self.copy)
        elif ordered:
            different = []
        else:  # PostgreSQL may only have the rows in another order
            different = await verify.compare(self.target.connection, self.target.place(pair.name), pair, self.copy)
        if different:
            raise Different("; ".join(f"{one.table}: {one.message}" for one in different))
        await self.put_aside(pair)
        await self.target.index(pair.table)
        await self.target.count_on(pair)
        if self.first:
            await passes.keep(self.target, pair, self.copy, self.first[pair.name], ordered=ordered)
        return Loaded(pair.name, sent.rows, time.monotonic() - begun)

    async def put_aside(self, pair: Pair) -> None:
        """Keep what was not imported, in a table that is made for the first of it."""
        rows = mend.rejected(self.copy, pair.name)
        if rows:
            columns = ", ".join(f"{name} {'bigint' if name == 'row_id' else 'text'}" for name in mend.COLUMNS)
            place = self.target.place(mend.REJECTS)
            await self.target.connection.execute(f"CREATE TABLE IF NOT EXISTS {place} ({columns})")
            await self.target.connection.executemany(f"INSERT INTO {place} VALUES ($1, $2, $3, $4, $5)", rows)

    async def put_aside_anew(self, pair: Pair) -> None:
        """Keep what was not imported, instead of what an earlier pass has left out."""
        if await self.target.has(mend.REJECTS):
            place = self.target.place(mend.REJECTS)
            await self.target.connection.execute(f"DELETE FROM {place} WHERE table_name = $1", pair.name)
        await self.put_aside(pair)

    async def mark_complete(self, loaded: Sequence[Loaded]) -> None:
        """Leave the mark of a complete import, if one is wanted."""
        if self.mark:
            await marks.leave(self.target, self.mark, marks.Mark.of(self.sha256, loaded, mend.count(self.copy)))

    async def _validate(self) -> None:
        """Check the foreign keys that this run, or a killed one, added while tables were still missing."""
        for pair in self.pairs:
            for reference in pair.table.references:
                place = self.target.place(pair.name)
                await self.target.connection.execute(
                    f"ALTER TABLE {place} VALIDATE CONSTRAINT {quoted(reference.name)}"
                )
