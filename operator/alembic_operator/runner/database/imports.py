"""The marks of complete imports, in a table beside the version table; whoever imports leaves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.contract.imports import MARK_TABLE
from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal

if TYPE_CHECKING:
    from alembic_operator.runner.database.versions import Question


def is_marked(name: str) -> Question:
    """Return the question whether an import is complete."""

    def question(own: versions.Connected, table: versions.VersionTable) -> bool:
        if not versions.is_beside(own.rows, table, MARK_TABLE):
            return False
        place = versions.VersionTable(table.schema, MARK_TABLE).sql
        return bool(own.rows(f"SELECT 1 FROM {place} WHERE name = {literal(name)}"))

    return question
