"""What people and earlier runs left unfinished in a database: invalid indexes, unvalidated constraints, a mark."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.runner.database.own import literal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.runner.database.versions import Query, VersionTable

_NAMED = 3
_OTHERS_BUILD = (
    "EXISTS (SELECT FROM pg_catalog.pg_locks l WHERE l.relation = i.indrelid AND l.granted"
    " AND l.mode = 'ShareUpdateExclusiveLock' AND l.pid <> pg_catalog.pg_backend_pid() AND l.database ="
    " (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))"
)
"""The lock on the table, from a build's beginning to its end; the progress of another user's build may be hidden."""

_NAME = "pg_catalog.quote_ident({0}.nspname) || '.' || pg_catalog.quote_ident({1})"
_INVALID = (
    f"SELECT 'index', {_NAME.format('n', 'c.relname')}, c.relname::text, {_NAME.format('n', 't.relname')},"
    f" i.indexrelid::bigint, {_OTHERS_BUILD}"
    " FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_catalog.pg_class t ON t.oid = i.indrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE NOT i.indisvalid AND c.relkind = 'i' AND NOT c.relispartition"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM"
    " pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x'))"
)
"""Not of a partitioned table: there an index is invalid until every partition has one."""

_UNVALIDATED = (
    f"SELECT 'constraint', pg_catalog.quote_ident(k.conname), k.conname::text, {_NAME.format('n', 't.relname')},"
    " k.oid::bigint, false FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class t ON t.oid = k.conrelid"
    " JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace"
    " WHERE NOT k.convalidated AND pg_catalog.to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'"
    " AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
)
"""PostgreSQL 18 has constraints that are not to be enforced; they are never validated."""


@dataclass(frozen=True)
class Unfinished:
    """An invalid index, or a constraint that is not validated."""

    sql: str
    """Its name for a statement; an index has its schema in it."""
    name: str
    table: str
    """Its name for a statement."""
    oid: int
    busy: bool
    """Whether somebody else may be building the index just now."""


@dataclass(frozen=True)
class Leftovers:
    """What one look found."""

    indexes: tuple[Unfinished, ...] = ()
    constraints: tuple[Unfinished, ...] = ()
    comment: str = ""
    """The comment on the version table, where a mark may be."""


def comment(query: Query, table: VersionTable) -> str:
    """Return the comment on a version table."""
    ((said,),) = query(f"SELECT {_comment(table)}")
    return str(said or "")


def _comment(table: VersionTable) -> str:
    return (
        "(SELECT pg_catalog.obj_description(c.oid, 'pg_class')"  # to_regclass() would need a right on the schema
        " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(table.schema)} AND c.relname = {literal(table.name)})"
    )


def look(query: Query, table: VersionTable) -> Leftovers:
    """Look at the whole database: in one cheap round trip, and in a second one when there is something to name."""
    ((anything, said),) = query(
        "SELECT EXISTS (SELECT FROM pg_catalog.pg_index WHERE NOT indisvalid)"
        f" OR EXISTS (SELECT FROM pg_catalog.pg_constraint WHERE NOT convalidated), {_comment(table)}"
    )
    rows = query(f"{_INVALID} UNION ALL {_UNVALIDATED} ORDER BY 2") if anything else []
    found = {kind: tuple(Unfinished(*rest) for one, *rest in rows if one == kind) for kind in ("index", "constraint")}
    return Leftovers(found["index"], found["constraint"], str(said or ""))


def warnings(found: Leftovers) -> tuple[str, ...]:
    """Return what to say of what is unfinished."""
    said = []
    if left := [one.sql for one in found.indexes if not one.busy]:
        said.append(
            f"Invalid: {_some(left)}. Every write pays for them, and no query uses"
            " them: REINDEX INDEX CONCURRENTLY or DROP INDEX CONCURRENTLY."
        )
    if busy := [one.sql for one in found.indexes if one.busy]:
        said.append(f"Not valid yet: {_some(busy)}. Another session works on the table, and may be building them.")
    if found.constraints:
        names = _some([f"{one.sql} on {one.table}" for one in found.constraints])
        said.append(f"Not validated: {names}. ALTER TABLE ... VALIDATE CONSTRAINT.")
    return tuple(said)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def invalid(query: Query, name: str, table: str) -> Unfinished | None:
    """Return the index of a name on a table, as a statement on this connection writes it, when it is invalid."""
    where = f"i.indrelid = pg_catalog.to_regclass({literal(table)}) AND c.relname = {literal(name)}"
    rows = query(f"{_INVALID} AND {where}")
    return Unfinished(*rows[0][1:]) if rows else None


def rebuilt(query: Query, relation: str) -> Unfinished | None:
    """Return an invalid index that a REINDEX CONCURRENTLY of this index or table has left, if there is one."""
    named = f"pg_catalog.to_regclass({literal(relation)})"
    rows = query(
        f"{_INVALID} AND EXISTS (SELECT FROM pg_catalog.pg_index o JOIN pg_catalog.pg_class x ON x.oid = o.indexrelid"
        f" WHERE {named} IN (o.indexrelid, o.indrelid) AND o.indrelid = i.indrelid"
        " AND pg_catalog.regexp_replace(c.relname, '_cc(new|old)[0-9]*$', '') = x.relname AND c.relname <> x.relname)"
    )
    return Unfinished(*rows[0][1:]) if rows else None
