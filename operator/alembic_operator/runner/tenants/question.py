"""How many tenants hold which heads, in one question of the table of tenants."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Dict

from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.versions import Query, VersionTable
    from alembic_operator.runner.tenants.places import Places, Rule
    from alembic_operator.runner.tenants.standing import Heads

NAMED, CHECKED = 10, 3
_HEADS = "pg_catalog.array_to_string(t.heads, ',')"
_SCHEMAS = "EXISTS (SELECT 1 FROM pg_catalog.pg_namespace n WHERE n.nspname = t.tenant)"
_DATABASES = "EXISTS (SELECT 1 FROM pg_catalog.pg_database d WHERE d.datname = t.tenant)"


@dataclass(frozen=True)
class Alike:
    """Tenants with the same heads."""

    heads: Heads
    count: int
    first: tuple[str, ...]
    """By name, at most NAMED."""
    some: tuple[str, ...]
    """Any of them, at most CHECKED."""


def place(query: Query, places: Places) -> VersionTable | None:
    """Return the table of tenants; None: there is none, as before the first run, or where the role may make none."""
    ((schema,),) = query("SELECT coalesce(pg_catalog.current_schema()::text, '')")
    table = versions.VersionTable(places.invocation.schema or str(schema), versions.TENANTS_TABLE)
    return table if versions.is_beside(query, table, table.name) else None


def first_names(query: Query, table: VersionTable) -> tuple[str, ...]:
    """Return two tenants, from whom can be learnt where version tables are."""
    return tuple(str(name) for (name,) in query(f"SELECT tenant FROM {table.sql} ORDER BY 1 LIMIT 2"))


Counts = Dict[str, int]
"""How many hold which heads, these as one text."""


def count(query: Query, table: VersionTable, places: Places, rule: Rule | None) -> Counts:
    """Count those that are tenants and are there: a tenth of what it costs to name some, too."""
    counted = f"SELECT heads, count(*)::int AS many FROM {table.sql} t WHERE {_only(places, rule)} GROUP BY 1"
    rows = query(f"SELECT {_HEADS}, t.many FROM ({counted}) t")  # to make a text of each row takes as long again
    return {str(heads): int(many) for heads, many in rows}


def ask(query: Query, table: VersionTable, places: Places, rule: Rule | None) -> list[Alike]:
    """Ask of the same, with some of their names."""
    rows = query(
        f"SELECT {_HEADS}, count(*)::int,"
        f" pg_catalog.to_json((pg_catalog.array_agg(t.tenant ORDER BY t.tenant))[1:{NAMED}])::text,"
        f" pg_catalog.to_json((pg_catalog.array_agg(t.tenant ORDER BY pg_catalog.random()))[1:{CHECKED}])::text"
        f" FROM {table.sql} t WHERE {_only(places, rule)} GROUP BY 1"
    )
    return [
        Alike(tuple(sorted(filter(None, str(heads).split(",")))), int(many), _names(first), _names(some))
        for heads, many, first, some in rows
    ]


def _only(places: Places, rule: Rule | None) -> str:
    only = [f"t.version_table = {literal(rule.words if rule else '')}"]
    if places.are_databases or (rule and rule.is_plain):
        only.append(_DATABASES if places.are_databases else _SCHEMAS)
    if places.tenants.exclude:
        only.append(f"t.tenant NOT IN ({_list(places.tenants.exclude)})")
    if names := canary(places):
        only.append(f"t.tenant IN ({_list(names)})")
    return " AND ".join(only)


def canary(places: Places) -> tuple[str, ...]:
    """Return the tenants for which alone a pod waits; empty: it waits for all, or for a number of them."""
    tenants = places.tenants
    named = tenants.gate == "Canary" and tenants.canary_amount is None
    return tuple(one for one in tenants.canary if one not in tenants.exclude) if named else ()


def alike(heads: dict[str, Heads]) -> list[Alike]:
    """Return the same of what was read from each tenant's own version table."""
    found: dict[Heads, list[str]] = {}
    for name, held in sorted(heads.items()):
        found.setdefault(held, []).append(name)
    return [Alike(held, len(names), tuple(names[:NAMED]), ()) for held, names in found.items()]


def _names(raw: object) -> tuple[str, ...]:
    return tuple(json.loads(str(raw)))


def _list(names: Iterable[str]) -> str:
    return ", ".join(map(literal, names))
