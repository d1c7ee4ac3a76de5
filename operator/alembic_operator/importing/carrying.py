"""Carries the rows of a copy over: scans it, loads it when nothing stands in the way, in one pass or in two."""

import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from alembic_operator.contract.imports import MARK_TABLE
from alembic_operator.importing.facts.answer import Answer
from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.facts.findings import Finding, blocking
from alembic_operator.importing.facts.options import Options
from alembic_operator.importing.mapping import pairs
from alembic_operator.importing.postgres import catalogue, refusals
from alembic_operator.importing.scanning import mend, scan, seeds
from alembic_operator.importing.sqlite import snapshot, watch
from alembic_operator.importing.sqlite.scripts import Fresh, Scripts
from alembic_operator.importing.tables.load import Target
from alembic_operator.importing.transfer import passes, turns
from alembic_operator.importing.transfer.loading import MARKERS, ONE_TRANSACTION, Loading, unfinished
from alembic_operator.importing.transfer.second import Second, Touched
from alembic_operator.runner.database.versions import OWN_TABLES

OURS = frozenset({MARKERS, passes.TABLE, mend.REJECTS, MARK_TABLE, *OWN_TABLES})
"""Tables that no application has."""


@dataclass(frozen=True)
class Run:
    """One import under way."""

    options: Options
    answer: Answer
    connection: Any
    schema: str
    copy: Path
    version_table: str
    heads: tuple[str, ...]
    """Of the scripts; empty: there are none."""
    seen: str = ""
    """As in Brought."""
    fresh: Fresh | None = None
    """As in Brought."""
    kept: Mapping[str, passes.Kept] = field(default_factory=dict)
    """Of a first pass."""

    @property
    def target(self) -> Target:
        """Return where rows go."""
        return Target(self.connection, self.schema)

    @property
    def written(self) -> bool:
        """Tell whether somebody has written to the file since it was copied."""
        return bool(self.seen) and watch.seen(self.options.file) != self.seen

    def still(self) -> None:
        """Raise if somebody has."""
        if self.written:
            raise TryAgain(turns.TOUCHED_FILE)

    @property
    def scripts(self) -> Scripts:
        """Return the application's Alembic project."""
        return Scripts(self.options.config, self.options.section, self.options.x)


async def carry_over(one: Run) -> None:
    """Scan the copy, and load it when nothing stands in the way."""
    options, answer = one.options, one.answer
    kept = await passes.find(one.target)
    begun = await unfinished(one.target)
    turns.check(options, kept, complete=not begun)
    one = replace(one, kept=kept or {})
    if options.turn == "first" and kept and not begun:
        answer.following = turns.NEXT
        return
    with closing(snapshot.open_copy(one.copy)) as opened, closing(snapshot.open_copy(one.copy)) as second:
        copies = opened, second
        pairing = await _paired(one, copies)
        if options.turn == "second":
            await _second(one, copies, pairing)
            return
        if not options.scan and await _at_first_try(one, opened, pairing):
            return
        pairing = scan.prepared(copies, pairing)
        answer.findings += _mended(options, copies, pairing)
        if options.scan:
            answer.following = _advice(answer)
        elif blocking(answer.findings):
            answer.following = "Nothing was written. " + _advice(answer)
        else:
            await _load(one, opened, pairing)


async def _at_first_try(one: Run, opened: sqlite3.Connection, pairing: pairs.Pairing) -> bool:
    """Load without a scan of the values, which the load itself looks at; False: not all are fit, nothing is written."""
    options, answer = one.options, one.answer
    asks = options.on_bad_row, options.orphans, options.verify
    if asks != ("stop", "stop", "full") or not await _small(one):
        return False
    found = scan.beside_values(opened, pairing)
    if blocking([*answer.findings, *found]):
        return False
    mend.mend(opened, pairing, "stop", "stop")
    try:
        await _load(one, opened, pairing)
    except refusals.NOT_FIT:
        return False
    answer.findings += found
    return True


async def _small(one: Run) -> bool:
    """Tell whether everything is loaded in one transaction."""
    return one.copy.stat().st_size <= ONE_TRANSACTION and not await unfinished(one.target)


def _advice(answer: Answer) -> str:
    number = len(blocking(answer.findings))
    return f"{number} findings stand in the way." if number else "Nothing stands in the way of the import."


async def _paired(one: Run, copies: scan.Copies) -> pairs.Pairing:
    opened = copies[0]
    own = {one.version_table, *OURS}
    tables = [table for table in await catalogue.tables(one.connection, one.schema) if table.name not in own]
    files = [snapshot.describe(opened, name) for name in snapshot.names(opened) if name not in own]
    pairing = pairs.match(files, tables, one.options.exclude, one.options.readings)
    scan.teach(copies, pairing)
    done = await _done(one)
    filled = [pair.name for pair in pairing.pairs if pair.table.filled and pair.name not in done]
    pairing = replace(pairing, seeded=await _seeded(one, pairing, filled))
    one.answer.findings += pairing.findings
    one.answer.findings += [seeds.told(name, seeded=name in pairing.seeded) for name in filled]
    return pairing


async def _seeded(one: Run, pairing: pairs.Pairing, filled: Sequence[str]) -> dict[str, bytes]:
    """Return which of the tables with rows hold only what the application's revisions insert."""
    if not filled:
        return {}
    fresh = one.fresh
    if fresh is None and one.scripts.present():
        fresh = one.scripts.insert(one.copy.parent, one.answer.target)
    return await seeds.untouched(one.target, fresh, pairing, filled) if fresh else {}


def _mended(options: Options, copies: scan.Copies, pairing: pairs.Pairing) -> list[Finding]:
    """Return what is wrong with rows; what the command line has an answer for does not block."""
    found = scan.look(copies, pairing)
    mend.mend(copies[0], pairing, options.on_bad_row, options.orphans)
    if not found or (options.on_bad_row == options.orphans == "stop"):
        return found
    left = scan.look(copies, pairing)
    named = {(one.kind, one.table, one.column) for one in left}
    return [*(replace(one, blocks=False) for one in found if (one.kind, one.table, one.column) not in named), *left]


async def _done(one: Run) -> set[str]:
    """Return the tables that an earlier run has completed.

    Raises:
        ImportFailed: that was with another state of the file.
    """
    if not await unfinished(one.target):
        return set(one.kept)
    place = one.target.place(MARKERS)
    rows = await one.connection.fetch(f"SELECT table_name, sha256 FROM {place}")
    if any(row["sha256"] != one.answer.sha256 for row in rows):
        names = ", ".join(sorted(row["table_name"] for row in rows))
        raise ImportFailed(f"the file has changed since its import was begun; empty {names}, and drop {place}")
    return {row["table_name"] for row in rows}


def _loading(one: Run, opened: sqlite3.Connection, pairing: pairs.Pairing) -> Loading:
    options, first = one.options, {}
    if options.turn == "first":
        first = turns.told(options, one.answer.target, pairing.pairs)
    mark = "" if first else options.mark
    return Loading(one.target, opened, pairing, one.answer.sha256, options.verify, mark, first)


async def _load(one: Run, opened: sqlite3.Connection, pairing: pairs.Pairing) -> None:
    loading = _loading(one, opened, pairing)
    one.answer.tables = await (loading.at_once() if await _small(one) else loading.one_by_one())
    _complete(one, opened)


async def _second(one: Run, copies: scan.Copies, pairing: pairs.Pairing) -> None:
    """Carry over what has changed since the first pass, or tell everything that stands in the way."""
    options, answer, opened = one.options, one.answer, copies[0]
    turns.compare(turns.told(options, answer.target, pairing.pairs), one.kept)
    if (options.on_bad_row, options.orphans) == ("stop", "stop"):
        mend.mend(opened, pairing, "stop", "stop")
    else:
        answer.findings += _mended(options, copies, scan.prepared(copies, pairing))
    if not blocking(answer.findings):
        second = Second(_loading(one, opened, pairing), one.kept, one.copy.parent, one.still)
        try:
            answer.tables = await second.carry()
        except Touched as touched:
            answer.findings += touched.findings
        except refusals.NOT_FIT:
            answer.findings += scan.look(copies, scan.prepared(copies, pairing))
            if not blocking(answer.findings):
                raise
    if blocking(answer.findings):
        answer.following = "PostgreSQL is as the first pass left it. " + _advice(answer)
        return
    _complete(one, opened)
    if one.written:
        answer.following = f"{turns.LATE}. {answer.following}"


def _complete(one: Run, opened: sqlite3.Connection) -> None:
    one.answer.equal = True
    one.answer.quarantined = mend.count(opened)
    behind = one.heads and one.heads != one.answer.target
    one.answer.following = (
        turns.NEXT
        if one.options.turn == "first"
        else f"All rows are in PostgreSQL, and equal. {'Run `alembic upgrade head` there. ' if behind else ''}Start the"
        " application with PostgreSQL's settings. Until it has written there, the way back is to start it with the"
        " file, which is as it was."
    )
