"""The course of an import: copy, upgrade the copy, scan, load and check, answer."""

import sqlite3
import tempfile
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncpg

from alembic_operator.contract.imports import MARK_TABLE
from alembic_operator.importing import catalogue, marks, mend, pairs, refusals, scan, snapshot
from alembic_operator.importing.answer import Answer
from alembic_operator.importing.connection import connect
from alembic_operator.importing.failures import ImportFailed, TryAgain
from alembic_operator.importing.findings import Finding, blocking
from alembic_operator.importing.load import Target
from alembic_operator.importing.loading import MARKERS, ONE_TRANSACTION, Loading
from alembic_operator.importing.options import Options
from alembic_operator.importing.scripts import Scripts, adopt
from alembic_operator.runner.database.versions import OWN_TABLES

_VERSION_TABLE = "alembic_version"


@dataclass(frozen=True)
class Brought:
    """A copy that the application's scripts have upgraded."""

    copy: Path
    sha256: str
    revision: tuple[str, ...]
    """That of the file."""
    target: tuple[str, ...]
    version_table: str


@dataclass(frozen=True)
class _Run:
    """One import under way."""

    options: Options
    answer: Answer
    connection: Any
    schema: str
    copy: Path
    version_table: str
    heads: tuple[str, ...]
    """Of the scripts; empty: there are none."""

    @property
    def scripts(self) -> Scripts:
        return Scripts(self.options.config, self.options.section, self.options.x)


async def run(options: Options, environ: Mapping[str, str]) -> Answer:
    """Import a file, or only scan it.

    Raises:
        ImportFailed: an error; nothing that is not complete and checked is in PostgreSQL.
    """
    begun = time.monotonic()
    answer = Answer()
    connection = await connect(options.url, environ)
    try:
        with tempfile.TemporaryDirectory(prefix="import-sqlite-") as scratch:
            copy = Path(scratch, "copy.db")
            snapshot.take(options.file, copy)
            answer.sha256 = snapshot.digest(copy)
            await _with_copy(options, answer, connection, copy)
    except asyncpg.PostgresError as error:
        raise ImportFailed(refusals.told(error)) from error
    finally:
        await connection.close()
    answer.seconds = time.monotonic() - begun
    return answer


async def load(options: Options, brought: Brought, environ: Mapping[str, str]) -> Answer:
    """Import a copy that the application's scripts have brought to PostgreSQL's revision.

    Raises:
        ImportFailed: as of `run`.
    """
    begun = time.monotonic()
    answer = Answer(sha256=brought.sha256, revision=brought.revision)
    connection = await connect(options.url, environ, options.role)
    try:
        schema = options.schema or await connection.fetchval("SELECT current_schema()")
        one = _Run(options, answer, connection, schema, brought.copy, brought.version_table, ())
        answer.target = await catalogue.heads(connection, schema, brought.version_table) or ()
        if set(answer.target) != set(brought.target):
            at, to = ", ".join(answer.target) or "no revision", ", ".join(brought.target)
            raise TryAgain(f"PostgreSQL is at {at} by now, and the copy was upgraded to {to}; the next run follows")
        await _carry_over(one)
    except refusals.OF_THE_SERVER as error:
        raise refusals.refused(error) from error
    finally:
        await connection.close()
    answer.seconds = time.monotonic() - begun
    return answer


async def earlier(options: Options, environ: Mapping[str, str]) -> marks.Mark | None:
    """Return the mark of an earlier run in the database; None: there is none.

    Raises:
        ImportFailed: the database cannot be asked.
    """
    connection = await connect(options.url, environ, options.role)
    try:
        schema = options.schema or await connection.fetchval("SELECT current_schema()")
        return await marks.find(Target(connection, schema), options.mark)
    except refusals.OF_THE_SERVER as error:
        raise refusals.refused(error) from error
    finally:
        await connection.close()


async def _with_copy(options: Options, answer: Answer, connection: Any, copy: Path) -> None:
    scripts = Scripts(options.config, options.section, options.x)
    heads, table = scripts.look(copy.parent) if scripts.present() else ((), _VERSION_TABLE)
    schema = options.schema or await connection.fetchval("SELECT current_schema()")
    one = _Run(options, answer, connection, schema, copy, table, heads)
    await _bring_together(one)
    await _carry_over(one)


async def _carry_over(one: _Run) -> None:
    """Scan the copy, and load it when nothing stands in the way."""
    options, answer = one.options, one.answer
    with closing(snapshot.open_copy(one.copy)) as opened, closing(snapshot.open_copy(one.copy)) as second:
        copies = opened, second
        pairing = await _paired(one, copies)
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


async def _at_first_try(one: _Run, opened: sqlite3.Connection, pairing: pairs.Pairing) -> bool:
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


async def _small(one: _Run) -> bool:
    """Tell whether everything is loaded in one transaction."""
    return one.copy.stat().st_size <= ONE_TRANSACTION and not await _done(one)


def _advice(answer: Answer) -> str:
    number = len(blocking(answer.findings))
    return f"{number} findings stand in the way." if number else "Nothing stands in the way of the import."


async def _bring_together(one: _Run) -> None:
    """Upgrade the copy to PostgreSQL's revision, so that both have one shape."""
    answer = one.answer
    found = await catalogue.heads(one.connection, one.schema, one.version_table)
    if not found:
        raise ImportFailed(
            f"PostgreSQL has no revision in {one.schema}.{one.version_table}; run `alembic upgrade head` there first"
        )
    answer.target = found
    if one.options.revision:
        adopt(one.scripts, one.copy.parent, one.copy, one.options.revision)
    with closing(snapshot.open_copy(one.copy)) as opened:
        heads = snapshot.heads(opened, one.version_table)
    if not heads:
        raise ImportFailed(
            f"{one.options.file} has no revision in {one.version_table}; say with --revision which one its schema is"
        )
    answer.revision = heads
    if heads == found:
        return
    told = f"the file is at {', '.join(heads)}, PostgreSQL at {', '.join(found)}"
    if not one.scripts.present():
        raise ImportFailed(f"{told}; there is no {one.options.config} with the scripts that lead there")
    try:
        one.scripts.upgrade(one.copy.parent, one.copy, found)
    except ImportFailed as error:
        raise ImportFailed(f"{told}. {_cannot_run(error, heads)}") from error


def _cannot_run(error: ImportFailed, heads: tuple[str, ...]) -> str:
    at = " ".join(heads)
    return (
        f"{error}. If the scripts cannot run on SQLite: `alembic upgrade {at}` in an empty PostgreSQL database, import"
        " again, and then `alembic upgrade head`"
    )


async def _paired(one: _Run, copies: scan.Copies) -> pairs.Pairing:
    opened = copies[0]
    own = {one.version_table, MARKERS, mend.REJECTS, MARK_TABLE, *OWN_TABLES}
    tables = [table for table in await catalogue.tables(one.connection, one.schema) if table.name not in own]
    files = [snapshot.describe(opened, name) for name in snapshot.names(opened) if name not in own]
    pairing = pairs.match(files, tables, one.options.exclude, one.options.readings)
    scan.teach(copies, pairing)
    done = await _done(one)
    filled = [pair.name for pair in pairing.pairs if pair.table.filled and pair.name not in done]
    message = "has rows in PostgreSQL; stop the application, empty the table, import again"
    one.answer.findings += pairing.findings
    one.answer.findings += [Finding("target-not-empty", name, message) for name in filled]
    return pairing


def _mended(options: Options, copies: scan.Copies, pairing: pairs.Pairing) -> list[Finding]:
    """Return what is wrong with rows; what the command line has an answer for does not block."""
    found = scan.look(copies, pairing)
    mend.mend(copies[0], pairing, options.on_bad_row, options.orphans)
    if not found or (options.on_bad_row == options.orphans == "stop"):
        return found
    left = scan.look(copies, pairing)
    named = {(one.kind, one.table, one.column) for one in left}
    return [*(replace(one, blocks=False) for one in found if (one.kind, one.table, one.column) not in named), *left]


async def _done(one: _Run) -> set[str]:
    """Return the tables that an earlier run has completed.

    Raises:
        ImportFailed: that was with another state of the file.
    """
    place = Target(one.connection, one.schema).place(MARKERS)
    if await one.connection.fetchval("SELECT to_regclass($1)", place) is None:
        return set()
    rows = await one.connection.fetch(f"SELECT table_name, sha256 FROM {place}")
    if any(row["sha256"] != one.answer.sha256 for row in rows):
        names = ", ".join(sorted(row["table_name"] for row in rows))
        raise ImportFailed(f"the file has changed since its import was begun; empty {names}, and drop {place}")
    return {row["table_name"] for row in rows}


async def _load(one: _Run, opened: sqlite3.Connection, pairing: pairs.Pairing) -> None:
    target = Target(one.connection, one.schema)
    loading = Loading(target, opened, pairing, one.answer.sha256, one.options.verify, one.options.mark)
    one.answer.tables = await (loading.at_once() if await _small(one) else loading.one_by_one())
    one.answer.equal = True
    one.answer.quarantined = mend.count(opened)
    behind = one.heads and one.heads != one.answer.target
    one.answer.following = (
        f"All rows are in PostgreSQL, and equal. {'Run `alembic upgrade head` there. ' if behind else ''}Start the"
        " application with PostgreSQL's settings. Until it has written there, the way back is to start it with the"
        " file, which is as it was."
    )
