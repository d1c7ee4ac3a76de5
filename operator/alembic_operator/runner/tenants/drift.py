"""Find tenants whose tables differ from those of most others: a fingerprint of columns, indexes and constraints."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Callable

from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.tenants import abreast

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alembic_operator.runner.database.versions import Query
    from alembic_operator.runner.tenants.scout import Connected

_AT_ONCE = 50
_LEAST = 3
"""Of two that differ nobody can tell which one has drifted."""
_OURS = ", ".join(map(literal, versions.OWN_TABLES))
_SCHEMAS = (
    "SELECT nspname::text FROM pg_catalog.pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
)
_PARTS = (
    (
        "SELECT c.relnamespace, c.relname || '.' || a.attname || ' ' || pg_catalog.format_type(a.atttypid, a.atttypmod)"
        " || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END"
        " || coalesce(' ' || pg_catalog.pg_get_expr(d.adbin, d.adrelid), '') AS part"
        " FROM tables c JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
        " LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
    ),
    (
        "SELECT c.relnamespace, pg_catalog.pg_get_indexdef(i.indexrelid)"
        " || CASE WHEN i.indisvalid THEN '' ELSE ' invalid' END FROM tables c"
        " JOIN pg_catalog.pg_index i ON i.indrelid = c.oid"
    ),
    (
        "SELECT c.relnamespace, c.relname || ' ' || k.conname || ' ' || pg_catalog.pg_get_constraintdef(k.oid)"
        " FROM tables c JOIN pg_catalog.pg_constraint k ON k.conrelid = c.oid WHERE k.contype <> 'n'"
    ),
)


def of_schemas(query: Query, schemas: Iterable[str], seconds: float) -> tuple[str, ...]:
    """Return those that differ from the majority, by name, of as many as can be looked at in so many seconds."""
    until = time.monotonic() + seconds
    names = sorted(schemas)
    prints: dict[str, str] = {}
    for at in range(0, len(names), _AT_ONCE):
        if time.monotonic() > until:
            break
        prints.update(_prints(query, names[at : at + _AT_ONCE]))
    return _outliers(prints)


def of_databases(
    connect: Callable[[str], Connected], names: Iterable[str], width: int, seconds: float
) -> tuple[str, ...]:
    """Return the same of databases, asking `width` of them at a time."""
    until = time.monotonic() + seconds

    def ask(name: str) -> dict[str, str] | None:
        if time.monotonic() > until:
            return None
        own = connect(name)
        try:
            return _prints(own.rows, [str(schema) for (schema,) in own.rows(_SCHEMAS)])
        finally:
            own.close()

    found = abreast.each(sorted(names), ask, width)
    return _outliers({name: repr(sorted(prints.items())) for name, prints in found.items() if prints is not None})


def _outliers(prints: dict[str, str]) -> tuple[str, ...]:
    if len(prints) < _LEAST:
        return ()
    ((usual, count),) = Counter(prints.values()).most_common(1)
    return tuple(one for one in prints if prints[one] != usual) if 2 * count > len(prints) else ()


def _prints(query: Query, schemas: Sequence[str]) -> dict[str, str]:
    """Return the fingerprint of each schema; its own name, which stands before what is in it, is left out."""
    if not schemas:
        return {}
    bare = "pg_catalog.replace(p.part, pg_catalog.quote_ident(n.nspname) || '.', '')"
    rows = query(
        "WITH tables AS MATERIALIZED (SELECT c.oid, c.relname, c.relnamespace FROM pg_catalog.pg_class c"
        " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname IN ({', '.join(map(literal, schemas))}) AND c.relkind IN ('r', 'p')"
        f" AND c.relname NOT IN ({_OURS}))"
        f" SELECT n.nspname::text, pg_catalog.md5(pg_catalog.string_agg({bare}, ',' ORDER BY {bare} COLLATE \"C\"))"
        f" FROM ({' UNION ALL '.join(_PARTS)}) AS p JOIN pg_catalog.pg_namespace n ON n.oid = p.relnamespace GROUP BY 1"
    )
    return {**dict.fromkeys(schemas, ""), **{str(name): str(found) for name, found in rows}}
