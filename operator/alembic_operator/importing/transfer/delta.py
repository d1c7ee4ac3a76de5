"""Brings one table of PostgreSQL from what the first pass has written to what the file holds now, and reads it back."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from alembic_operator.importing.facts.failures import Different
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.tables.rows import EVERYTHING, blocks
from alembic_operator.importing.tables.stretches import Changed
from alembic_operator.importing.transfer import passes

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
    from pathlib import Path

    from alembic_operator.importing.mapping.pairs import Pair
    from alembic_operator.importing.tables.load import Target

COMPARED = 20_000
"""Rows that are compared one by one; more of them that follow one another are replaced."""
_AT_ONCE = 64
"""Stretches that PostgreSQL is asked for at once."""
_BLOCK = 1 << 19
_BYTES = 16


@dataclass
class Lines:
    """Rows as COPY writes them, and a sum of their hashes, which needs no order."""

    rows: int = 0
    sum: int = 0
    _rest: bytes = field(default=b"", repr=False)

    def split(self, block: bytes) -> list[bytes]:
        """Return the lines that a block completes."""
        *found, self._rest = (self._rest + block).split(b"\n")
        return found

    def add(self, lines: Iterable[bytes]) -> None:
        """Count lines."""
        for line in lines:
            self.rows += 1
            self.sum += int.from_bytes(hashlib.sha256(line).digest()[:_BYTES])


@dataclass(frozen=True)
class Delta:
    """One table under way, in the transaction of the second pass."""

    target: Target
    pair: Pair
    copy: sqlite3.Connection
    kept: passes.Kept
    folder: Path
    """For rows on their way."""

    async def carry(self, changed: Sequence[Changed]) -> int:
        """Carry over what has changed, old rows out before new ones come in; return how many rows were written.

        Raises:
            Different: PostgreSQL says something else of the rows than was sent.
        """
        sent = Lines()
        with tempfile.TemporaryFile(dir=self.folder) as spool:

            def put(line: bytes) -> None:
                sent.add([line])
                spool.write(line + b"\n")

            for some in self._together(changed):
                await self._out(some, put)
            spool.seek(0)
            await self.target.copy(self.pair, _read(spool), frozen=False)
        await self._read_back(sent)
        return sent.rows

    def _together(self, changed: Sequence[Changed]) -> Iterator[list[Changed]]:
        """Return some at once, up to a number of rows; where nobody knows what lies where, all as one."""
        if not all(self._where([one]) for one in changed):
            yield [Changed(0, len(self.kept.stretches), COMPARED, EVERYTHING)]
            return
        some: list[Changed] = []
        rows = 0
        for one in changed:
            rows += (more := self._rows([one]))
            if some and (rows > COMPARED or len(some) == _AT_ONCE):
                yield some
                some, rows = [], more
            some.append(one)
        yield some

    def _rows(self, some: Sequence[Changed]) -> int:
        stretches = self.kept.stretches
        return sum(one.rows + sum(each.rows for each in stretches[one.begin : one.end]) for one in some)

    def _where(self, some: Sequence[Changed]) -> list[str]:
        """Return PostgreSQL's conditions for what these rows were; empty: there are none."""
        return list(filter(None, (passes.where(self.pair, self.kept, one.begin, one.end) for one in some)))

    async def _out(self, some: Sequence[Changed], put: Callable[[bytes], None]) -> None:
        """Delete the old rows that the copy does not have, and keep those that PostgreSQL does not have."""
        conditions, place = self._where(some), self.target.place(self.pair.name)
        if self.kept.files is None or self._rows(some) > COMPARED:
            for where in conditions:
                await self.target.connection.execute(f"DELETE FROM {place} WHERE {where}")
            for line in self._lines(some):
                put(line)
            return
        there = await self._there(conditions)
        for line in self._lines(some):
            if not _taken(there, line):
                put(line)
        gone = [at for all_of in there.values() for at in all_of]
        if gone:
            await self.target.connection.execute(f"DELETE FROM {place} WHERE ctid = ANY ($1::text[]::tid[])", gone)

    def _lines(self, some: Sequence[Changed]) -> Iterator[bytes]:
        for span in [one.span for one in some if one.span]:
            found = Lines()
            for block in blocks(self.copy, self.pair, span):
                yield from found.split(block)

    async def _there(self, conditions: Sequence[str]) -> dict[bytes, list[str]]:
        """Return the places of PostgreSQL's rows, by the hash of each."""
        found: dict[bytes, list[str]] = {}
        lines = Lines()

        async def take(block: bytes) -> None:
            for line in lines.split(block):
                at, _, said = line.partition(b"\t")
                found.setdefault(_hash(said), []).append(at.decode())

        await self._told(["ctid", *(one.told() for one in self.pair.fields)], conditions, take)
        return found

    async def _told(self, columns: Sequence[str], conditions: Sequence[str], take: object) -> None:
        """Let PostgreSQL say rows; each condition as a query, so that each uses an index."""
        select = f"SELECT {', '.join(columns)} FROM {self.target.place(self.pair.name)} WHERE "
        sql = " UNION ALL ".join(select + one for one in conditions)
        await self.target.connection.copy_from_query(sql, output=take, format="text", encoding="utf8")

    async def _read_back(self, sent: Lines) -> None:
        """Compare what this transaction has written with what was sent, and the number of all rows with the copy's."""
        number = await passes.transaction(self.target)
        found = Lines()

        async def take(block: bytes) -> None:
            found.add(found.split(block))

        await self._told([one.told() for one in self.pair.fields], [f"xmin = '{number}'::xid"], take)
        rows = (await passes.footprint(self.target, self.pair.name, number)).rows
        meant = snapshot.count(self.copy, self.pair.name)
        if (found.rows, found.sum, rows) != (sent.rows, sent.sum, meant):
            raise Different(f"{self.pair.name}: PostgreSQL says of {sent.rows} rows something else than was sent")


def _hash(line: bytes) -> bytes:
    return hashlib.sha256(line).digest()


def _taken(there: dict[bytes, list[str]], line: bytes) -> bool:
    """Tell whether PostgreSQL has a row like this that no other row of the copy is."""
    places = there.get(_hash(line))
    if not places:
        return False
    places.pop()
    return True


def _read(spool: IO[bytes]) -> Generator[bytes, None, None]:
    while block := spool.read(_BLOCK):
        yield block
