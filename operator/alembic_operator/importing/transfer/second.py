"""The second pass: in one transaction, what the first pass has written becomes what the file holds now."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic_operator.importing.facts.answer import Loaded
from alembic_operator.importing.facts.failures import Different
from alembic_operator.importing.facts.findings import Finding
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.tables import keys, verify
from alembic_operator.importing.tables.halves import changed_of
from alembic_operator.importing.transfer import passes
from alembic_operator.importing.transfer.delta import Delta

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from alembic_operator.importing.mapping.pairs import Pair
    from alembic_operator.importing.tables.stretches import Changed
    from alembic_operator.importing.transfer.loading import Loading
    from alembic_operator.importing.transfer.passes import Footprint, Kept

CHANGED = "changed-in-target"


class Touched(Exception):  # noqa: N818  it is told as findings
    """Others have written to PostgreSQL's tables since the first pass."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__()
        self.findings = findings


@dataclass(frozen=True)
class Second:
    """A second pass under way."""

    loading: Loading
    kept: Mapping[str, Kept]
    folder: Path
    """For rows on their way."""
    still: Callable[[], None]
    """Raises if somebody has written to the file since it was copied."""

    async def carry(self) -> list[Loaded]:
        """Carry over what has changed since the first pass, in one transaction.

        Raises:
            Touched: others have written to the tables.
            Different, and what PostgreSQL raises: rows that cannot be carried over.
        """
        loading, target = self.loading, self.loading.target
        changed = {one.name: changed_of(loading.copy, one, self.kept[one.name].stretches) for one in loading.pairs}
        async with target.connection.transaction():
            await loading.lock(loading.pairs)
            await self._untouched()
            names = [name for name, some in changed.items() if some]
            removed = await keys.remove(target, names)
            loaded = [await self._table(one, changed[one.name]) for one in loading.pairs]
            await keys.bring_back(target, removed)
            await loading.mark_complete(loaded)
            await passes.forget(target)
            self.still()
        return loaded

    async def _untouched(self) -> None:
        target, found = self.loading.target, []
        for pair in self.loading.pairs:
            kept = self.kept[pair.name]
            now = await passes.footprint(target, pair.name, kept.transaction)
            if now != kept.footprint:
                found.append(_touched(pair, kept.footprint, now))
        if found:
            raise Touched(found)

    async def _table(self, pair: Pair, changed: Sequence[Changed]) -> Loaded:
        begun, target, kept = time.monotonic(), self.loading.target, self.kept[pair.name]
        if kept.files != await passes.files(target, pair.name):
            kept = replace(kept, places=())  # its rows may lie elsewhere
        if changed:
            await target.quiet(pair.table)
            await Delta(target, pair, self.loading.copy, kept, self.folder).carry(changed)
            await target.wake(pair.table)
        await target.count_on(pair)  # a counter may be ahead of its rows
        if self.loading.verify == "counts":
            different = await verify.counts(target.connection, target.place(pair.name), pair, self.loading.copy)
            if different:
                raise Different("; ".join(f"{one.table}: {one.message}" for one in different))
        await self.loading.put_aside_anew(pair)
        rows = snapshot.count(self.loading.copy, pair.name)
        return Loaded(pair.name, rows, time.monotonic() - begun)


def _touched(pair: Pair, kept: Footprint, now: Footprint) -> Finding:
    """Return what others have done to a table, as far as that can be told."""
    written = max(now.rows - now.own - (kept.rows - kept.own), 0)
    gone = max(kept.rows - (now.rows - written), 0)
    told = [f"{number} {what}" for number, what in ((written, "written"), (gone, "gone or changed")) if number]
    message = (
        f"others have changed it in PostgreSQL since the first pass ({', '.join(told) or 'rows written'}); look at"
        f" them, and begin again: empty all tables, and DROP TABLE {passes.TABLE}"
    )
    return Finding(CHANGED, pair.name, message)
