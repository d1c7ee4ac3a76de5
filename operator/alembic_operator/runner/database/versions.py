"""The version table: where it is, and which heads it holds."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Protocol

from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.process.failures import sqlstate
from alembic_operator.runner.project import state

if TYPE_CHECKING:
    from collections.abc import Iterable

LOCK_CLASS_A = 0x414C454D
"""First key of the exclusive advisory lock ("ALEM"); who holds it may migrate. The second is `lock_object`."""

LOCK_CLASS_FLEET = LOCK_CLASS_A + 2
"""First key of the lock of a whole fleet, so that two runs do not share out the same tenants; it guards no tenant."""

LOCK_CLASS_B = LOCK_CLASS_A + 1
"""First key of the advisory lock that every migration connection shares; free means no orphan is running."""

HISTORY_TABLE = "alembic_operator_history"
"""Beside the version table, one for all those of a schema; see `applied`."""

RUNS_TABLE = "alembic_operator_runs"
"""Beside it; see `runs`."""

TENANTS_TABLE = "alembic_operator_tenants"
"""In the schema of the migration's own; see `tenants.table`."""

OWN_TABLES = (HISTORY_TABLE, RUNS_TABLE, TENANTS_TABLE)
"""What the runner makes where a history was asked for, or where there are tenants."""

MADE_MEANWHILE = ("23505", "42P07")
"""SQLSTATEs of CREATE TABLE when another run makes it just then: version tables of one schema have separate locks."""

_MISSING = ("42P01", "3F000")

Query = Callable[[str], "list[tuple[Any, ...]]"]


class Connected(Protocol):
    """A connection of whatever driver's."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement without parameters and return its rows."""
        ...


@dataclass(frozen=True)
class VersionTable:
    """One version table of one database."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        """Return its name for a statement."""
        return f"{quoted(self.schema)}.{quoted(self.name)}" if self.schema else quoted(self.name)

    @property
    def history(self) -> str:
        """Return the name of the history beside it, for a statement."""
        return VersionTable(self.schema, HISTORY_TABLE).sql

    @property
    def runs(self) -> str:
        """Return the name of the table of runs beside it, for a statement."""
        return VersionTable(self.schema, RUNS_TABLE).sql

    @property
    def lock_object(self) -> int:
        """Return the second key of its advisory locks, as PostgreSQL's signed integer."""
        number = zlib.crc32(f"{self.schema}\0{self.name}".encode())
        return number - (1 << 32) if number >= 1 << 31 else number


Question = Callable[[Connected, VersionTable], Any]
"""What is asked of a database beside one of its version tables."""


@dataclass(frozen=True)
class Location:
    """What the server says about a connection."""

    table: VersionTable
    database: str
    exists: bool
    """There is a version table; Alembic creates it before it asks which revisions to run."""
    server: str
    """The server's own address, as it sees it; empty for a socket's."""
    role: str
    """The role that the session has taken; empty: none."""


def locate(query: Query, schema: str, name: str) -> Location:
    """Find the version table as the connection sees it.

    Without an explicit schema it is the one on the search path, or the schema where Alembic would create it.
    """
    found = (
        f"(SELECT n.nspname FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.oid = pg_catalog.to_regclass({literal(quoted(name))}))"
    )
    where = literal(schema) if schema else f"coalesce({found}::text, pg_catalog.current_schema()::text, '')"
    exists = (
        "EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relname = {literal(name)} AND n.nspname = {where})"
    )
    server = "coalesce(pg_catalog.host(pg_catalog.inet_server_addr()) || ':' || pg_catalog.inet_server_port(), '')"
    role = "CASE pg_catalog.current_setting('role') WHEN 'none' THEN '' ELSE pg_catalog.current_setting('role') END"
    sql = f"SELECT {where}::text, pg_catalog.current_database()::text, {exists}, {server}, {role}"
    ((in_schema, database, there, at, taken),) = query(sql)
    return Location(VersionTable(str(in_schema), name), str(database), bool(there), str(at), str(taken))


def is_contested(query: Query, table: VersionTable) -> bool:
    """Tell whether another schema has such a table, too, and nothing of the user's own leads to this one.

    Then only env.py knows which of them is its own: it may change the search path where no text of it shows that.
    """
    sql = (
        "SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE c.relname = {literal(table.name)} AND n.nspname <> {literal(table.schema)})"
        f" AND {literal(table.schema)} <> current_user AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_settings"
        " WHERE name = 'search_path' AND source IN ('user', 'database user'))"
    )
    ((found,),) = query(sql)
    return bool(found)


def is_beside(query: Query, table: VersionTable, name: str) -> bool:
    """Tell whether the schema of a version table has another table of that name."""
    return bool(
        query(
            "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
            f" WHERE n.nspname = {literal(table.schema)} AND c.relname = {literal(name)}"
        )
    )


def is_anywhere(query: Query, name: str) -> bool:
    """Tell whether the database has a table of that name in any schema, also where the search path does not lead."""
    ((found,),) = query(f"SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class WHERE relname = {literal(name)})")
    return bool(found)


def read_heads(own: Connected, table: VersionTable) -> tuple[str, ...]:
    """Return the database heads, sorted; none when there is no version table.

    Raises:
        Ending: VersionTableDamaged.
    """
    try:
        rows = own.rows(f"SELECT version_num FROM {table.sql} ORDER BY 1")
    except Exception as error:
        if sqlstate(error) in _MISSING:
            return ()
        raise
    return named([row[0] for row in rows], table)


def named(heads: Iterable[Any], table: VersionTable) -> tuple[str, ...]:
    """Return what a version table holds, sorted.

    Raises:
        Ending: VersionTableDamaged, for a row that names none, or is no plain text: taken for a revision of a newer
            image it would pass; and for one that is there twice.
    """
    heads = tuple(heads)
    found = tuple(sorted("" if one is None else str(one) for one in heads))
    if "" in found:
        message = f"the version table {table.sql} has a row without a revision"
        raise state.damaged(message, f"DELETE FROM {table.sql} WHERE coalesce(version_num, '') = ''")
    if strange := sorted({repr(one) for one in heads if not isinstance(one, str) or one != one.strip()}):
        message = f"the version table {table.sql} holds {', '.join(strange)}: no revision is named so"
        plain = "TYPE varchar(255) USING btrim(version_num::text, E' \\t\\r\\n')"
        raise state.damaged(message, f"ALTER TABLE {table.sql} ALTER COLUMN version_num {plain}")
    if twice := sorted({one for one in found if found.count(one) > 1}):
        same = "a.version_num = b.version_num AND a.ctid < b.ctid"
        message = f"the version table {table.sql} holds {', '.join(twice)} twice; it has lost its primary key"
        raise state.damaged(message, f"DELETE FROM {table.sql} a USING {table.sql} b WHERE {same}")
    return found
