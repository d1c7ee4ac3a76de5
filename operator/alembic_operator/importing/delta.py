"""Brings one table of PostgreSQL from what the first pass has written to what the file holds now, and reads it back."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from alembic_operator.importing import passes, snapshot
from alembic_operator.importing.failures import Different
from alembic_operator.importing.rows import EVERYTHING, blocks
from alembic_operator.importing.stretches import Changed

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Generator, Iterable, Sequence
    from pathlib import Path

    from alembic_operator.importing.load import Target
    from alembic_operator.importing.pairs import Pair

COMPARED = 20_000
"""Rows that are compared one by one; more of them that follow one another are replaced."""
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
            for one in self._together(changed):
                await self._out(one, spool, sent)
            spool.seek(0)
            await self.target.copy(self.pair, _read(spool), frozen=False)
        await self._read_back(sent)
        return sent.rows

    def _together(self, changed: Sequence[Changed]) -> list[Changed]:
        """Return neighbours as one, up to a number of rows; where nobody knows what lies where, all as one."""
        if not all(passes.where(self.pair, self.kept, one.begin, one.end) for one in changed):
            return [Changed(0, len(self.kept.stretches), COMPARED, EVERYTHING)]
        found: list[Changed] = []
        for one in changed:
            last = found[-1] if found else None
            if last and last.end == one.begin and self._rows(last) + self._rows(one) <= COMPARED:
                spans = [span for span in (last.span, one.span) if span]
                span = (spans[0][0], spans[-1][1]) if spans else None
                found[-1] = Changed(last.begin, one.end, last.rows + one.rows, span)
            else:
                found.append(one)
        return found

    def _rows(self, one: Changed) -> int:
        return one.rows + sum(each.rows for each in self.kept.stretches[one.begin : one.end])

    async def _out(self, one: Changed, spool: IO[bytes], sent: Lines) -> None:
        """Delete the old rows that the copy does not have, and keep those that PostgreSQL does not have."""
        where = passes.where(self.pair, self.kept, one.begin, one.end)
        place = self.target.place(self.pair.name)
        lines = self._lines(one)
        if self.kept.files is None or self._rows(one) > COMPARED:
            await self.target.connection.execute(f"DELETE FROM {place} WHERE {where}")
        else:
            there = await self._there(where)
            lines = [line for line in lines if not _taken(there, line)]
            gone = [at for all_of in there.values() for at in all_of]
            if gone:
                await self.target.connection.execute(f"DELETE FROM {place} WHERE ctid = ANY ($1::text[]::tid[])", gone)
        for line in lines:
            sent.add([line])
            spool.write(line + b"\n")

    def _lines(self, one: Changed) -> Iterable[bytes]:
        if one.span is None:
            return
        found = Lines()
        for block in blocks(self.copy, self.pair, one.span):
            yield from found.split(block)

    async def _there(self, where: str) -> dict[bytes, list[str]]:
        """Return the places of PostgreSQL's rows, by the hash of each."""
        found: dict[bytes, list[str]] = {}
        lines = Lines()

        async def take(block: bytes) -> None:
            for line in lines.split(block):
                at, _, said = line.partition(b"\t")
                found.setdefault(_hash(said), []).append(at.decode())

        await self._told(["ctid", *(one.told() for one in self.pair.fields)], where, take)
        return found

    async def _told(self, columns: Sequence[str], where: str, take: object) -> None:
        sql = f"SELECT {', '.join(columns)} FROM {self.target.place(self.pair.name)} WHERE {where}"
        await self.target.connection.copy_from_query(sql, output=take, format="text", encoding="utf8")

    async def _read_back(self, sent: Lines) -> None:
        """Compare what this transaction has written with what was sent, and the number of all rows with the copy's."""
        number = await passes.transaction(self.target)
        found = Lines()

        async def take(block: bytes) -> None:
            found.add(found.split(block))

        await self._told([one.told() for one in self.pair.fields], f"xmin = '{number}'::xid", take)
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
