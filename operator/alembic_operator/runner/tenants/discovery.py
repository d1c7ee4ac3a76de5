"""Which tenants there are: those that are named, or that a pattern or a query finds."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.contract.fleet import named
from alembic_operator.runner.database.own import literal
from alembic_operator.runner.process.failures import Ending, first_line, sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract.tenants import Tenants
    from alembic_operator.runner.database.versions import Query

MOST = 100_000
"""So many rows of a query are read."""
_BYTES = 63
"""A longer name is none: PostgreSQL would cut it."""
_NAMED = 5
_SECONDS = 5
_TOO_SLOW = "57014"
_WRITES = "25006"
_SCHEMAS = (
    "SELECT nspname::text FROM pg_catalog.pg_namespace"
    " WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'{} ORDER BY 1"
)
_DATABASES = "SELECT datname::text FROM pg_catalog.pg_database WHERE true{} ORDER BY 1"
_USUAL = " AND datallowconn AND NOT datistemplate"
"""What a pattern takes for a tenant; whoever names another database means it, and is told what is wrong with it."""

_SIZES = {
    "Databases": "SELECT datname::text, pg_catalog.pg_database_size(oid)::text FROM pg_catalog.pg_database"
    " WHERE datallowconn AND pg_catalog.has_database_privilege(oid, 'CONNECT')",
    "Schemas": "SELECT n.nspname::text, sum(c.relpages)::bigint::text FROM pg_catalog.pg_class c"
    " JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace GROUP BY 1",
}
"""Of a schema what the last VACUUM or ANALYZE counted: an exact size would open each of its files."""


@dataclass(frozen=True)
class Found:
    """The tenants, without those that are excluded."""

    names: tuple[str, ...]
    """Each once, by name."""
    there: frozenset[str]
    """Every schema or database, whether it is a tenant's or not."""
    warnings: tuple[str, ...] = ()

    @property
    def missing(self) -> tuple[str, ...]:
        """Return those that are listed and not there."""
        return tuple(one for one in self.names if one not in self.there)


def find(tenants: Tenants, query: Query) -> Found:
    """Find the tenants, over a connection to the migration's own database that nobody else uses.

    Raises:
        Ending: ConfigInvalid, why the query gives no list of names.
    """
    are_databases = tenants.kind == "Databases"
    every, like = (_DATABASES, f"{_USUAL} AND datname") if are_databases else (_SCHEMAS, " AND nspname")
    there = frozenset(str(name) for (name,) in query(every.format("")))
    listed: list[str | None] = list(tenants.names)
    if tenants.pattern:
        listed = [str(name) for (name,) in query(every.format(f"{like} LIKE {literal(tenants.pattern)}"))]
    if tenants.query:
        listed = _queried(tenants.query, query)
    names = [one for one in listed if one]
    require_names(names)
    wanted = tuple(sorted(set(names).difference(tenants.exclude)))
    return Found(wanted, there, tuple(_told(tenants, listed, names)))


def sizes(tenants: Tenants, query: Query) -> dict[str, int]:
    """Return how large each schema or database is, in the same unit."""
    return {str(name): int(size) for name, size in query(_SIZES[tenants.kind])}


def _told(tenants: Tenants, listed: list[str | None], names: list[str]) -> Iterable[str]:
    source = "spec.tenants.query" if tenants.query else "spec.tenants.names"
    if nameless := len(listed) - len(names):
        yield f"{source}: {nameless:,} rows without a name were passed over"
    if twice := sorted({one for one in names if names.count(one) > 1} if len(names) < MOST // _BYTES else ()):
        yield f"{source}: listed more than once, migrated once: {named(tuple(twice[:_NAMED]), len(twice))}"


def _queried(text: str, query: Query) -> list[str | None]:
    bare = text.strip().rstrip(";").strip()
    query("BEGIN READ ONLY")  # and no SET: behind a pooler the session is lent to the application next
    try:
        query(f"SET LOCAL statement_timeout = '{_SECONDS}s'")
        rows = query(f"SELECT * FROM (\n{bare}\n) AS tenants LIMIT {MOST + 1}")
    except Exception as error:
        raise _refused(error) from error
    finally:
        with suppress(Exception):  # a connection that is lost says so where it is asked for more
            query("ROLLBACK")
    if len(rows) > MOST:
        raise _wrong(f"returns more than {MOST:,} rows", "Let it return each tenant once.")
    return [None if row[0] is None else str(row[0]) for row in rows]


def _refused(error: Exception) -> Ending:
    code, said = sqlstate(error), first_line(error)
    if code == _TOO_SLOW:
        return _wrong(
            f"took longer than {_SECONDS} s", "Let it read a table of tenants, with an index where it is long."
        )
    if code == _WRITES:
        return _wrong(f"would write: {said}", "Let it only read.")
    if code[:2] in ("08", "57", "53") or not code:
        raise error
    return _wrong(f"cannot be run: {said}", "Correct it; try it with psql, as the migration's user.")


def require_names(names: list[str]) -> None:
    """Raise ConfigInvalid for what is no name in PostgreSQL."""
    if long := next((one for one in names if len(one.encode()) > _BYTES), ""):
        message = f"spec.tenants: {long[:_BYTES]}... has more than {_BYTES} bytes, which no name in PostgreSQL has"
        raise Ending(Reason.CONFIG_INVALID, message, "Correct the name.")


def _wrong(what: str, hint: str) -> Ending:
    return Ending(Reason.CONFIG_INVALID, f"spec.tenants.query {what}", hint)
