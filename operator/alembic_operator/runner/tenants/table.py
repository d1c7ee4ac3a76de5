"""The table of tenants: where each stands, and how its last run ended. A status tells a part of that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.process.failures import sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from alembic_operator.runner.database.versions import Query, VersionTable

_TYPES = {
    "tenant": "text NOT NULL",
    "version_table": "text NOT NULL",
    "heads": "text[] NOT NULL",
    "outcome": "text NOT NULL",
    "revision": "text NOT NULL DEFAULT ''",
    "sqlstate": "text NOT NULL DEFAULT ''",
    "message": "text NOT NULL DEFAULT ''",
    "seconds": "double precision NOT NULL DEFAULT 0",
    "run": "text NOT NULL",
    "at": "timestamptz NOT NULL DEFAULT pg_catalog.now()",
}
_KEY = ("tenant", "version_table")
_AT_ONCE = 1000
_LONGEST = 1000
"""Characters of a message."""


@dataclass(frozen=True)
class Row:
    """One tenant."""

    tenant: str
    heads: tuple[str, ...]
    """What its version table holds; where nothing is known, what it held before."""
    outcome: str
    """The reason that a run of this tenant alone would have given."""
    revision: str = ""
    """The one that failed."""
    sqlstate: str = ""
    message: str = ""
    seconds: float = 0.0
    run: str = ""
    """As in the table of runs: the pod, and six random characters."""


@dataclass(frozen=True)
class Book:
    """The rows of one project: another one of the same database may have tenants of the same names."""

    table: VersionTable
    project: str
    """Its version tables, `{}` where the tenant's name is: `{}.alembic_version`."""

    def prepare(self, query: Query) -> None:
        """Make the table unless it is there; raises what the server says."""
        if versions.is_beside(query, self.table, self.table.name):
            return
        columns = ", ".join(f"{quoted(name)} {kind}" for name, kind in _TYPES.items())
        try:
            query(f"CREATE TABLE {self.table.sql} ({columns}, PRIMARY KEY ({', '.join(_KEY)}))")
        except Exception as error:
            if sqlstate(error) not in versions.MADE_MEANWHILE:
                raise

    def read(self, query: Query) -> dict[str, tuple[tuple[str, ...], str]]:
        """Return heads and outcome of each tenant."""
        rows = query(
            "SELECT tenant, pg_catalog.array_to_string(heads, ','), outcome"
            f" FROM {self.table.sql} WHERE version_table = {literal(self.project)}"
        )
        return {str(name): (tuple(filter(None, str(heads).split(","))), str(outcome)) for name, heads, outcome in rows}

    def failures(self, query: Query) -> list[Row]:
        """Return the rows of those that did not end well."""
        well = ", ".join(literal(str(one)) for one in (Reason.UP_TO_DATE, Reason.DATABASE_AHEAD, Reason.PENDING))
        rows = query(
            "SELECT tenant, pg_catalog.array_to_string(heads, ','), outcome, revision, sqlstate, message"
            f" FROM {self.table.sql} WHERE version_table = {literal(self.project)} AND outcome NOT IN ({well})"
        )
        failed = []
        for name, heads, outcome, revision, state, message in rows:
            row = Row(str(name), tuple(filter(None, str(heads).split(","))), str(outcome))
            failed.append(replace(row, revision=str(revision), sqlstate=str(state), message=str(message)))
        return failed

    def age(self, query: Query, tenants: Iterable[str]) -> float | None:
        """Return for how many seconds the youngest row of these has been there; None: there is none."""
        ((age,),) = query(
            'SELECT extract(epoch FROM pg_catalog.clock_timestamp() - max("at"))::float8'
            f" FROM {self.table.sql} WHERE {self._of(tenants)}"
        )
        return None if age is None else float(age)

    def write(self, query: Query, rows: Sequence[Row]) -> None:
        """Write rows over those that are there."""
        for at in range(0, len(rows), _AT_ONCE):
            values = ", ".join(self._values(one, _array(one.heads)) for one in rows[at : at + _AT_ONCE])
            query(self._upsert(f"VALUES {values}"))

    def standing(self, row: Row, of: VersionTable) -> str:
        """Return the statement that writes one row, with the heads that its version table holds just then."""
        heads = f"coalesce((SELECT pg_catalog.array_agg(version_num::text ORDER BY 1) FROM {of.sql}), ARRAY[]::text[])"
        return self._upsert(f"VALUES {self._values(row, heads)}")

    def keep_only(self, query: Query, tenants: Iterable[str]) -> None:
        """Take out the rows of those that are no tenants any more."""
        query(f"DELETE FROM {self.table.sql} WHERE {self._of(tenants)}")

    def _of(self, tenants: Iterable[str]) -> str:
        names = ", ".join(map(literal, tenants))
        return f"version_table = {literal(self.project)} AND tenant IN ({names})"

    def _upsert(self, rows: str) -> str:
        columns = [name for name in _TYPES if name != "at"]
        changes = ", ".join(f"{quoted(name)} = EXCLUDED.{quoted(name)}" for name in _TYPES if name not in _KEY)
        names = ", ".join(map(quoted, columns))
        return f"INSERT INTO {self.table.sql} ({names}) {rows} ON CONFLICT ({', '.join(_KEY)}) DO UPDATE SET {changes}"

    def _values(self, row: Row, heads: str) -> str:
        texts = (row.outcome, row.revision, row.sqlstate, row.message.replace("\0", "")[:_LONGEST])
        said = ", ".join(map(literal, texts))
        return (
            f"({literal(row.tenant)}, {literal(self.project)}, {heads}, {said}, {row.seconds:.3f}, {literal(row.run)})"
        )


def _array(texts: Iterable[str]) -> str:
    return f"ARRAY[{', '.join(map(literal, texts))}]::text[]"
