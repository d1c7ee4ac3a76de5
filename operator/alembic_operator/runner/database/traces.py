"""What the catalogue shows of a revision that was killed: all that was made or changed since its transaction began.

Each row of the catalogue knows the transaction that wrote it last. Rows of data are not looked at, and what was
dropped is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.database.own import literal
from alembic_operator.runner.database.versions import OWN_TABLES

if TYPE_CHECKING:
    from alembic_operator.runner.database.versions import Query, VersionTable

_SHOWN = 20
_XIDS = 1 << 32
_OF_TABLE = "JOIN pg_catalog.pg_class c ON c.oid = {} JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
_OF_EXTENSION = (
    "EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.{}'::pg_catalog.regclass"
    " AND d.objid = {}.oid AND d.deptype IN ('e', 'i', 'a'))"
)
"""Or a sequence that belongs to a column."""
_MADE = """EXISTS (SELECT FROM pg_catalog.pg_attribute m, since WHERE pg_catalog.age(m.xmin) <= since.age
 AND m.attrelid = c.oid AND m.attnum = CASE c.relkind WHEN 'v' THEN 1 ELSE -1 END)"""
"""A relation is new if its first column is: that row is written once, while others change with the relation."""
_CATALOGUE = f"""
SELECT 1 AS rank, n.nspname, c.relname AS name, c.xmin AS writer,
 CASE c.relkind WHEN 'v' THEN 'view %' WHEN 'm' THEN 'materialized view %' WHEN 'S' THEN 'sequence %' ELSE 'table %' END
 AS says FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND {_MADE} AND NOT {_OF_EXTENSION.format("pg_class", "c")}
UNION ALL SELECT 2, n.nspname, c.relname, a.xmin, 'column %.' || pg_catalog.quote_ident(a.attname)
 FROM pg_catalog.pg_attribute a {_OF_TABLE.format("a.attrelid")}
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'f') AND NOT {_MADE}
UNION ALL SELECT 3, n.nspname, c.relname, i.xmin, CASE WHEN i.indisvalid THEN 'index %' ELSE 'invalid index %' END
 FROM pg_catalog.pg_index i {_OF_TABLE.format("i.indexrelid")} WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k
 WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
UNION ALL SELECT 4, n.nspname, c.relname, k.xmin, CASE WHEN k.convalidated THEN '' ELSE 'unvalidated ' END
 || 'constraint ' || pg_catalog.quote_ident(k.conname) || ' on %'
 FROM pg_catalog.pg_constraint k {_OF_TABLE.format("k.conrelid")}
 WHERE k.contype IN ('c', 'f', 'p', 'u', 'x') AND NOT {_MADE}
UNION ALL SELECT 5, n.nspname, t.typname, e.xmin, 'value ' || pg_catalog.quote_literal(e.enumlabel) || ' of type %'
 FROM pg_catalog.pg_enum e JOIN pg_catalog.pg_type t ON t.oid = e.enumtypid
 JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace, since WHERE pg_catalog.age(t.xmin) > since.age
UNION ALL SELECT 6, n.nspname, t.typname, t.xmin, 'type %'
 FROM pg_catalog.pg_type t JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
 WHERE t.typtype IN ('e', 'd') AND NOT {_OF_EXTENSION.format("pg_type", "t")}
UNION ALL SELECT 7, n.nspname, p.proname, p.xmin, 'function %'
 FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
 WHERE NOT {_OF_EXTENSION.format("pg_proc", "p")}
UNION ALL SELECT 8, n.nspname, '', n.xmin, 'schema ' || pg_catalog.quote_ident(n.nspname)
 FROM pg_catalog.pg_namespace n
UNION ALL SELECT 9, '', '', x.xmin, 'extension ' || pg_catalog.quote_ident(x.extname) FROM pg_catalog.pg_extension x
"""
"""What there is to see: its schema, the relation or type by which it is named, who wrote it, and how it is said."""


def look(query: Query, table: VersionTable, since: str) -> tuple[str, ...]:
    """Return what was made or changed since a transaction began, in words; not the version table and its history.

    What is in a schema with a version table of its own is another tenant's, or another service's.
    """
    ours = ", ".join(map(literal, (table.name, *OWN_TABLES)))
    own = f"one.nspname = {literal(table.schema)} AND one.name IN ({ours})"
    others = (
        "SELECT o.relnamespace::pg_catalog.regnamespace::text FROM pg_catalog.pg_class o"
        f" WHERE o.relname = {literal(table.name)} AND o.relkind IN ('r', 'p')"
    )
    name = "pg_catalog.quote_ident(one.nspname) || '.' || pg_catalog.quote_ident(one.name)"
    rows = query(
        f"WITH since AS (SELECT {_age(since)} AS age) SELECT pg_catalog.replace(one.says, '%', {name})"
        f" FROM ({_CATALOGUE}) AS one, since WHERE pg_catalog.age(one.writer) <= since.age"
        f" AND one.nspname !~ '^pg_' AND one.nspname <> 'information_schema' AND NOT ({own})"
        f" AND (one.nspname = {literal(table.schema)} OR pg_catalog.quote_ident(one.nspname) NOT IN ({others}))"
        f" ORDER BY one.rank, 1 LIMIT {_SHOWN}"
    )
    return tuple(str(text) for (text,) in rows)


def is_built(query: Query, index: str, since: str) -> bool:
    """Tell whether an index of a name was built to its end since a transaction began."""
    rows = query(
        "SELECT 1 FROM pg_catalog.pg_index i JOIN pg_catalog.pg_class c ON c.oid = i.indexrelid"
        f" WHERE c.relname = {literal(index)} AND i.indisvalid AND pg_catalog.age(i.xmin) <= {_age(since)}"
    )
    return bool(rows)


def _age(transaction: str) -> str:
    return f"pg_catalog.age('{int(transaction) % _XIDS}'::pg_catalog.xid)"
