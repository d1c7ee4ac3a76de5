"""A database without heads whose schema holds tables already: perhaps one to adopt, perhaps somebody else's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.database.versions import HISTORY_TABLE
from alembic_operator.runner.process.hints import AGAIN

if TYPE_CHECKING:
    from alembic_operator.runner.database.versions import Connected, VersionTable


@dataclass(frozen=True)
class Vacancy:
    """A version table that says nothing beside tables that somebody made."""

    table: VersionTable
    exists: bool
    """The version table exists, without a row."""

    @property
    def reason(self) -> Reason:
        """Return why the first revision fails when it meets those tables."""
        return Reason.VERSION_TABLE_EMPTY if self.exists else Reason.VERSION_TABLE_MISSING

    @property
    def warning(self) -> str:
        """Return what somebody should look at."""
        lacking = "is empty" if self.exists else "does not exist"
        return (
            f"The schema {self.table.schema} holds tables, but the version table {self.table.name} {lacking}:"
            " if they are this project's, stamp the revision that they are at"
        )

    @property
    def hint(self) -> str:
        """Return what to do about a first revision that met those tables."""
        return (
            "If the tables are this project's, run this pod's command by hand with `stamp` in place of `upgrade` and"
            f" `--target REVISION`, what they are at, as its last flag; else remove what is in the way.{AGAIN}"
        )


def find(own: Connected, table: VersionTable) -> Vacancy | None:
    """Look for tables in the schema of a version table that gave no heads; those of extensions do not count."""
    relations = (
        "SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(table.schema)} AND c.relname"
    )
    of_extension = (
        "SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
        " AND d.objid = c.oid AND d.deptype = 'e'"
    )
    ours = f"{literal(table.name)}, {literal(HISTORY_TABLE)}"
    ((exists, full),) = own.rows(
        f"SELECT EXISTS ({relations} = {literal(table.name)}),"
        f" EXISTS ({relations} NOT IN ({ours}) AND c.relkind IN ('r', 'p') AND NOT EXISTS ({of_extension}))"
    )
    return Vacancy(table, bool(exists)) if full else None
