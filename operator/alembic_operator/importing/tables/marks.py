"""The mark of a complete import: a row in the database itself, which a later run finds, and gates ask for."""

from collections.abc import Sequence
from dataclasses import dataclass

from alembic_operator.contract.imports import MARK_TABLE
from alembic_operator.importing.facts.answer import Loaded
from alembic_operator.importing.tables.load import Target


@dataclass(frozen=True)
class Mark:
    """What is remembered of an import."""

    sha256: str
    tables: int
    rows: int
    quarantined: int

    @staticmethod
    def of(sha256: str, loaded: Sequence[Loaded], quarantined: int) -> "Mark":
        """Return the mark of what was loaded."""
        return Mark(sha256, len(loaded), sum(one.rows for one in loaded), quarantined)


async def leave(target: Target, name: str, mark: Mark) -> None:
    """Leave a mark, in the transaction that shows the last rows."""
    place = target.place(MARK_TABLE)
    await target.connection.execute(
        f"CREATE TABLE IF NOT EXISTS {place} (name text PRIMARY KEY, sha256 text, tables bigint, rows bigint,"
        " quarantined bigint, imported_at timestamptz DEFAULT now())"
    )
    await target.connection.execute(
        f"INSERT INTO {place} VALUES ($1, $2, $3, $4, $5)", name, mark.sha256, mark.tables, mark.rows, mark.quarantined
    )


async def find(target: Target, name: str) -> Mark | None:
    """Return the mark of an earlier run; None: there is none."""
    if not await target.has(MARK_TABLE):
        return None
    place = target.place(MARK_TABLE)
    row = await target.connection.fetchrow(
        f"SELECT sha256, tables, rows, quarantined FROM {place} WHERE name = $1", name
    )
    return Mark(**row) if row else None
