"""The course of an import: copy, upgrade the copy, carry its rows over, answer."""

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from alembic_operator.importing.carrying import OURS, Run, carry_over
from alembic_operator.importing.facts.answer import Answer, Loaded
from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.facts.options import Options
from alembic_operator.importing.postgres import catalogue, refusals
from alembic_operator.importing.postgres.connection import connect
from alembic_operator.importing.sqlite import snapshot, watch
from alembic_operator.importing.sqlite.scratch import scratch
from alembic_operator.importing.sqlite.scripts import Fresh, Scripts, adopt
from alembic_operator.importing.tables import marks
from alembic_operator.importing.tables.load import Target
from alembic_operator.importing.transfer import loading, passes, turns

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
    seen: str = ""
    """What a write to the file changes, as it was before the copy; empty: nobody looks."""
    fresh: Fresh | None = None
    """What revisions insert by themselves, where somebody has found out."""


async def run(options: Options, environ: Mapping[str, str]) -> Answer:
    """Import a file, or only scan it.

    Raises:
        ImportFailed: an error; nothing that is not complete and checked is in PostgreSQL.
    """
    begun = time.monotonic()
    answer = Answer()
    seen = last_look(options)
    connection = await connect(options.url, environ)
    try:
        if await _was_done(options, answer, connection):
            return answer
        with scratch() as directory:
            copy = directory / "copy.db"
            snapshot.take(options.file, copy)
            answer.sha256 = snapshot.digest(copy, options.file)
            await _with_copy(options, answer, connection, Brought(copy, answer.sha256, (), (), _VERSION_TABLE, seen))
    except asyncpg.PostgresError as error:
        raise ImportFailed(refusals.told(error)) from error
    finally:
        await connection.close()
    answer.seconds = time.monotonic() - begun
    return answer


def last_look(options: Options) -> str:
    """Look at the file before it is copied for the last time; empty: it is not.

    Raises:
        TryAgain: somebody uses it.
    """
    if options.turn != "second":
        return ""
    if watch.used(options.file):
        raise TryAgain(turns.USED_FILE)
    return watch.begin(options.file)


async def _was_done(options: Options, answer: Answer, connection: Any) -> bool:
    """Tell whether an earlier run has left the mark, and say so."""
    schema = options.schema or await connection.fetchval("SELECT current_schema()")
    asks = options.mark and not options.scan
    mark = await marks.find(Target(connection, schema), options.mark) if asks else None
    if mark is None:
        return False
    answer.sha256, answer.equal = mark.sha256, True
    answer.following = (
        f"PostgreSQL has the mark {options.mark} of an earlier import, of {mark.rows} rows in {mark.tables} tables:"
        " nothing was done."
    )
    return True


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
        one = Run(
            options, answer, connection, schema, brought.copy, brought.version_table, (), brought.seen, brought.fresh
        )
        answer.target = await catalogue.heads(connection, schema, brought.version_table) or ()
        if set(answer.target) != set(brought.target):
            at, to = ", ".join(answer.target) or "no revision", ", ".join(brought.target)
            raise TryAgain(f"PostgreSQL is at {at} by now, and the copy was upgraded to {to}; the next run follows")
        await carry_over(one)
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


async def filled(options: Options, environ: Mapping[str, str]) -> bool:
    """Tell whether PostgreSQL has rows, in a table that may be the application's.

    Raises:
        ImportFailed: the database cannot be asked.
    """
    connection = await connect(options.url, environ, options.role)
    try:
        schema = options.schema or await connection.fetchval("SELECT current_schema()")
        found = await catalogue.tables(connection, schema)
        return any(one.filled for one in found if one.name not in {_VERSION_TABLE, *OURS})
    except refusals.OF_THE_SERVER as error:
        raise refusals.refused(error) from error
    finally:
        await connection.close()


async def first_pass(options: Options, environ: Mapping[str, str]) -> list[Loaded] | None:
    """Return the tables of a first pass that is complete; None: there is none.

    Raises:
        ImportFailed: the database cannot be asked.
    """
    connection = await connect(options.url, environ, options.role)
    try:
        target = Target(connection, options.schema or await connection.fetchval("SELECT current_schema()"))
        kept = await passes.find(target)
        if kept is None or await loading.unfinished(target):
            return None
        return [Loaded(name, one.footprint.rows, 0.0) for name, one in kept.items()]
    except refusals.OF_THE_SERVER as error:
        raise refusals.refused(error) from error
    finally:
        await connection.close()


async def _with_copy(options: Options, answer: Answer, connection: Any, brought: Brought) -> None:
    copy = brought.copy
    scripts = Scripts(options.config, options.section, options.x)
    heads, table = scripts.look(copy.parent) if scripts.present() else ((), _VERSION_TABLE)
    schema = options.schema or await connection.fetchval("SELECT current_schema()")
    one = Run(options, answer, connection, schema, copy, table, heads, brought.seen)
    await _bring_together(one)
    await carry_over(one)


async def _bring_together(one: Run) -> None:
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
