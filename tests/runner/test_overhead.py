"""What the runner costs; times are measured by `python -m tests.bench.overhead`, for a busy machine has no times."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench import overhead
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_mlflow_takes_no_more_of_a_processor_than_with_plain_alembic(
    postgresql: Database, pyz: Path, tmp_path: Path
) -> None:
    with overhead.mlflow(tmp_path, pyz, postgresql) as (contest, again):
        assert overhead.processor_ratio(overhead.compare(contest, 2, again)) < 1.1


def test_a_run_without_work_opens_three_connections(
    any_project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    """One for the lock, that of env.py, and one to read back."""

    collector = "import gc; print('collector is on:', gc.isenabled())"  # while the runner is imported, it is off
    any_project.begin(before=collector).table("one")
    variables = {"APP_URL": database.url("psycopg2")}
    runner.run(any_project, "upgrade", **variables)
    before = _sessions(postgresql, database.name)
    run = runner.run(any_project, "upgrade", **variables)
    assert run.code == 0
    assert "collector is on: True" in run.everything
    assert _sessions(postgresql, database.name) - before == 3


def _sessions(server: Database, name: str) -> int:
    """Return how many sessions a database has had; each is counted for certain when it has ended."""
    until(
        lambda: server.value(f"select count(*) from pg_stat_activity where datname = '{name}'") == 0,
        what="the end of all sessions",
    )
    return int(server.value(f"select sessions from pg_stat_database where datname = '{name}'"))
