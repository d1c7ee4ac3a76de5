"""The history: a table of the revisions that were applied and not undone, beside the version tables of a schema.

Alembic's own table holds only the newest ones. What led there is known to whoever has the scripts; an image that has
not learns it from here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import versions
from alembic_operator.runner.database.own import literal, quoted
from alembic_operator.runner.process.failures import Ending, sqlstate
from alembic_operator.runner.project.state import Contents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.versions import Connected, Query, VersionTable

_RIGHTS = ("SELECT", "INSERT", "DELETE")


def contents(own: Connected, table: VersionTable) -> Contents:
    """Return the database heads and what the history holds, both of one moment; nothing where there is no history."""
    if not _exists(own.rows, table):
        return Contents(versions.read_heads(own, table), frozenset(), table.sql)
    rows = own.rows(
        f"SELECT 'head'::text, version_num::text FROM {table.sql}"
        f" UNION ALL SELECT 'recorded'::text, revision FROM {_of(table)}"
    )
    found = {kind: [str(one) for of, one in rows if of == kind] for kind in ("head", "recorded")}
    return Contents(tuple(sorted(found["head"])), frozenset(found["recorded"]), table.sql)


def recorded(query: Query, table: VersionTable) -> frozenset[str]:
    """Return what the history of a version table holds; nothing where there is none."""
    if not _exists(query, table):
        return frozenset()
    return frozenset(str(revision) for (revision,) in query(f"SELECT revision FROM {_of(table)}"))


def prepare(query: Query, table: VersionTable) -> bool:
    """Make the history unless it is there, and return whether it was made.

    Raises:
        Ending: PermissionDenied, naming the right that is missing; Conflict, when somebody else makes it just now.
    """
    if _exists(query, table):
        _require_rights(query, table)
        return False
    _require_right_to_create(query, table)
    try:
        query(
            f"CREATE TABLE {table.history} (version_table text NOT NULL, revision text NOT NULL,"
            " applied_at timestamptz DEFAULT now(),"
            " applied_by text DEFAULT pg_catalog.current_setting('application_name'),"
            " PRIMARY KEY (version_table, revision))"
        )
    except Exception as error:
        if sqlstate(error) not in versions.MADE_MEANWHILE:
            raise
        message = f"another run has just made {table.history}"
        raise Ending(Reason.CONFLICT, message, "It is tried again.") from error
    return True


def add(query: Query, table: VersionTable, revisions: Iterable[str], *, seen: bool) -> None:
    """Record revisions; when and by whom they were applied is known only of those that were seen to be."""
    name = literal(table.name)
    rows = ", ".join(f"({name}, {literal(one)}{'' if seen else ', NULL, NULL'})" for one in sorted(revisions))
    columns = "version_table, revision" if seen else "version_table, revision, applied_at, applied_by"
    query(f"INSERT INTO {table.history} ({columns}) VALUES {rows} ON CONFLICT DO NOTHING")


def remove(query: Query, table: VersionTable, revisions: Iterable[str]) -> None:
    """Forget revisions."""
    names = ", ".join(map(literal, sorted(revisions)))
    query(f"DELETE FROM {_of(table)} AND revision IN ({names})")


def _of(table: VersionTable) -> str:
    return f"{table.history} WHERE version_table = {literal(table.name)}"


def _exists(query: Query, table: VersionTable) -> bool:
    return versions.is_beside(query, table, versions.HISTORY_TABLE)


def _require_right_to_create(query: Query, table: VersionTable) -> None:
    """Ask before it is tried: what fails would abort the transaction, which may be env.py's."""
    ((who, may),) = query(
        f"SELECT current_user::text, pg_catalog.has_schema_privilege({literal(table.schema)}, 'CREATE')"
    )
    if not may:
        message = f"cannot make the table {table.history}: user {who} lacks the right CREATE on schema {table.schema}"
        grant = f"GRANT CREATE ON SCHEMA {quoted(table.schema)} TO {quoted(str(who))}"
        raise Ending(Reason.PERMISSION_DENIED, message, f"As its owner: {grant}; or set database.history: Disabled.")


def _require_rights(query: Query, table: VersionTable) -> None:
    asked = ", ".join(f"pg_catalog.has_table_privilege({literal(table.history)}, '{one}')" for one in _RIGHTS)
    ((who, *may),) = query(f"SELECT current_user::text, {asked}")
    if missing := ", ".join(right for right, given in zip(_RIGHTS, may) if not given):  # noqa: B905  3.9
        message = f"user {who} lacks the right {missing} on the table {table.history}"
        grant = f"GRANT {missing} ON TABLE {table.history} TO {quoted(str(who))}"
        raise Ending(Reason.PERMISSION_DENIED, message, f"As its owner: {grant}; or set database.history: Disabled.")
