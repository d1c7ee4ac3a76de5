"""The table of runs: a row for each run, beside the version table, which stays when Jobs and objects are gone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process.failures import sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.versions import Connected, Query, VersionTable

_COLUMNS = (
    "run text NOT NULL, version_table text NOT NULL, command text NOT NULL, image text,"
    " from_revisions text[], to_revisions text[],"
    " started_at timestamptz NOT NULL DEFAULT pg_catalog.now(), seconds double precision,"
    " outcome text, error text, PRIMARY KEY (run, version_table)"
)


_KEYS = {
    "run": "run",
    "versionTable": "version_table",
    "command": "command",
    "image": "image",
    "from": "from_revisions",
    "to": "to_revisions",
    "startedAt": """to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""",
    "seconds": "seconds",
    "outcome": "outcome",
    "error": "error",
}
"""How a row is told as JSON."""

_SHOWN = 100


@dataclass(frozen=True)
class Row:
    """One run at one version table."""

    run: str
    """Names it: the pod, and six random characters."""
    command: str
    image: str
    """As the migration names it; empty: nobody said."""
    before: tuple[str, ...] | None
    """The database heads that it found; None: it came to none."""


@dataclass(frozen=True)
class End:
    """How a run has ended."""

    outcome: str
    """The reason of its Result."""
    error: str
    """Without secrets; empty: none."""
    seconds: float
    after: tuple[str, ...] | None = None
    """The heads that the database has now; None: they cannot be told."""


def prepare(query: Query, table: VersionTable) -> None:
    """Make the table unless it is there; raises what the server says."""
    if versions.is_beside(query, table, versions.RUNS_TABLE):
        return
    try:
        query(f"CREATE TABLE {table.runs} ({_COLUMNS})")
    except Exception as error:
        if sqlstate(error) not in versions.MADE_MEANWHILE:
            raise


def begin(query: Query, table: VersionTable, row: Row) -> None:
    """Record a run that has begun; a row without an outcome is of one that goes on, or was killed."""
    query(_put(table, _begun(table, row), ("from_revisions",)))


def end(query: Query, table: VersionTable, row: Row, end: End) -> None:
    """Record how a run has ended."""
    ended = {
        "to_revisions": _array(end.after),
        "seconds": f"{end.seconds:.3f}",
        "outcome": literal(end.outcome),
        "error": _text(end.error),
    }
    started = {"started_at": f"pg_catalog.now() - {end.seconds:.3f} * interval '1 s'"}
    query(_put(table, {**_begun(table, row), **started, **ended}, ("from_revisions", *ended)))


def last(own: Connected, table: VersionTable) -> list[str] | None:
    """Return the newest runs, newest first, each as JSON; None: there is no table of runs."""
    if not versions.is_beside(own.rows, table, versions.RUNS_TABLE):
        return None
    keys = ", ".join(f"'{key}', {column}" for key, column in _KEYS.items())
    rows = own.rows(
        f"SELECT pg_catalog.json_build_object({keys})::text FROM {table.runs}"
        f" WHERE version_table = {literal(table.name)} ORDER BY started_at DESC LIMIT {_SHOWN}"
    )
    return [str(text) for (text,) in rows]


def _begun(table: VersionTable, row: Row) -> dict[str, str]:
    return {
        "run": literal(row.run),
        "version_table": literal(table.name),
        "command": literal(row.command),
        "image": _text(row.image),
        "from_revisions": _array(row.before),
    }


def _put(table: VersionTable, values: dict[str, str], changing: Iterable[str]) -> str:
    """Return what inserts a row, or changes some columns of the one that is there."""
    insert = f"INSERT INTO {table.runs} ({', '.join(values)}) VALUES ({', '.join(values.values())})"
    changes = ", ".join(f"{column} = EXCLUDED.{column}" for column in changing)
    return f"{insert} ON CONFLICT (run, version_table) DO UPDATE SET {changes}"


def _text(text: str) -> str:
    return literal(text.replace("\0", "")) if text else "NULL"


def _array(texts: Iterable[str] | None) -> str:
    return "NULL" if texts is None else f"ARRAY[{', '.join(map(literal, texts))}]::text[]"
