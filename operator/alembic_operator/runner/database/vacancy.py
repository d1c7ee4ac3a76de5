"""A database without heads whose schema holds tables already: perhaps one to adopt, perhaps somebody else's tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.database.versions import OWN_TABLES
from alembic_operator.runner.process.hints.line import AGAIN

if TYPE_CHECKING:
    from alembic_operator.runner.database.versions import Connected, VersionTable


@dataclass(frozen=True)
class Vacancy:
    """A version table that says nothing beside tables that somebody made."""

    table: VersionTable
    exists: bool
    """The version table exists, without a row."""
    made: bool = False
    """Tables are only what env.py, or the application that it loads, made in this run."""

    @property
    def reason(self) -> Reason:
        """Return why the first revision fails when it meets those tables."""
        if self.made:
            return Reason.REVISION_FAILED
        return Reason.VERSION_TABLE_EMPTY if self.exists else Reason.VERSION_TABLE_MISSING

    @property
    def warning(self) -> str:
        """Return what somebody should look at where the tables were there before."""
        lacking = "is empty" if self.exists else "does not exist"
        return (
            f"The schema {self.table.schema} holds tables, but the version table {self.table.name} {lacking}:"
            " if they are this project's, stamp the revision that they are at"
        )

    @property
    def hint(self) -> str:
        """Return what to do about a first revision that met those tables."""
        if self.made:
            return (
                "env.py, or the application that it loads, made the object in this very run (create_all?): let only the"
                f" revisions make tables, and remove what is in the way.{AGAIN}"
            )
        return (
            "If the tables are this project's, run this pod's command by hand with `stamp` in place of `upgrade` and"
            f" `--target REVISION`, what they are at, as its last flag; else remove what is in the way.{AGAIN}"
        )


NEWEST = "SELECT max(oid)::bigint FROM pg_catalog.pg_class"


def newest(own: Connected) -> int:
    """Return the number of the relation that was made last."""
    ((number,),) = own.rows(NEWEST)
    return int(number)


def find(own: Connected, table: VersionTable, before: int | None = None) -> Vacancy | None:
    """Look for tables in the schema of a version table that gave no heads; those of extensions do not count.

    `before`: the newest relation of before env.py ran.
    """
    relations = (
        "FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        f" WHERE n.nspname = {literal(table.schema)} AND c.relname"
    )
    of_extension = (
        "SELECT 1 FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass"
        " AND d.objid = c.oid AND d.deptype = 'e'"
    )
    ours = ", ".join(map(literal, (table.name, *OWN_TABLES)))
    ((exists, first),) = own.rows(
        f"SELECT EXISTS (SELECT 1 {relations} = {literal(table.name)}), (SELECT min(c.oid)::bigint {relations}"
        f" NOT IN ({ours}) AND c.relkind IN ('r', 'p') AND NOT EXISTS ({of_extension}))"
    )
    return None if first is None else Vacancy(table, bool(exists), made=before is not None and int(first) > before)
