"""Tell a version table of another service from one that is ahead of this image, as after a rollback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.own import fetch, literal
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import made

if TYPE_CHECKING:
    from collections.abc import Iterable

_HINT = (
    "Another service uses this version table. Give each its own spec.database.schema, or another version_table in"
    " env.py. If it was this one, the revisions that follow have renamed its tables: use an image that knows them."
)


def require_own(script: Any, table: str, unknown: Iterable[str], raw: Any) -> None:
    """Require of a version table without any revision of these scripts that one of their tables is there.

    A rollback leaves the tables of the older image. Where the scripts do not say which they make, nothing is required.

    Raises:
        Ending: VersionTableShared.
    """
    oldest_first = reversed(list(script.walk_revisions()))
    names = sorted(made.tables(str(one.path) for one in oldest_first))
    if not names:
        return
    listed = ", ".join(map(literal, names))
    there = f"SELECT 1 FROM pg_catalog.pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f') AND relname IN ({listed})"
    if fetch(raw, f"{there} LIMIT 1"):
        return
    message = (
        f"the version table {table} contains {', '.join(unknown)}, which these scripts do not know, and none of the"
        f" tables that they make is there, as {names[0]}"
    )
    raise Ending(Reason.VERSION_TABLE_SHARED, message, _HINT)
