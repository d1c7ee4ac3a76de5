"""Takes foreign keys out of the way of rows that change, and brings them back, valid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.importing.facts.shapes import quoted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alembic_operator.importing.tables.load import Target

_KEYS = """
SELECT conrelid::regclass::text AS place, conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
  AND (conrelid = ANY ($1::text[]::regclass[]) OR confrelid = ANY ($1::text[]::regclass[])) ORDER BY 1, 2
"""


@dataclass(frozen=True)
class Key:
    """A foreign key that was dropped, of any table."""

    place: str
    """Its table, for SQL."""
    name: str
    definition: str


async def remove(target: Target, tables: Sequence[str]) -> list[Key]:
    """Drop the foreign keys of tables, and those that refer to them, so that none deletes or changes rows by itself."""
    rows = await target.connection.fetch(_KEYS, [target.place(one) for one in tables])
    found = [Key(row["place"], row["name"], row["definition"]) for row in rows]
    for one in found:
        await target.connection.execute(f"ALTER TABLE {one.place} DROP CONSTRAINT {quoted(one.name)}")
    return found


async def bring_back(target: Target, keys: Sequence[Key]) -> None:
    """Make foreign keys as they were; PostgreSQL checks all rows of those that were valid."""
    for one in keys:
        await target.connection.execute(f"ALTER TABLE {one.place} ADD CONSTRAINT {quoted(one.name)} {one.definition}")
