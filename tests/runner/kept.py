"""What a run with `--history Enabled` keeps."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runner.project import Run
    from tests.runner.server import Database

KEPT = ("--history", "Enabled")


TABLE = "alembic_operator_history"


def recorded(database: Database, version_table: str = "alembic_version", schema: str = "public") -> list[str]:
    rows = database.rows(f'select version_table, revision from "{schema}".{TABLE} order by 2')
    return [revision for table, revision in rows if table == version_table]


def has_history(database: Database) -> bool:
    return bool(database.value(f"select count(*) from pg_class where relname = '{TABLE}'"))


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason
