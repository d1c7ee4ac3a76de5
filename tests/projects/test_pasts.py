"""Public projects with a SQLite past: what they wrote into the file they read from PostgreSQL after its import."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner import server
from tests.runner.environments import MLFLOW, OPTUNA, Environment
from tests.runner.project import base_environment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.server import Database

pytestmark = pytest.mark.timeout(600)
PASTS = Path(__file__).with_name("pasts")
IMPORT = "import sys; from alembic_operator.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Past:
    """A project, and the program that uses it."""

    environment: Environment
    program: str
    begins_with: tuple[str, ...]
    """Tables that its own start fills in PostgreSQL, too: the how-to says to empty them."""

    def does(self, what: str, url: str, folder: Path) -> str:
        """Run the program; return what it says."""
        variables = base_environment() | {"URL": url, "HOME": str(folder)}
        command = [str(self.environment.python), str(PASTS / self.program), what]
        done = subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{what}: {done.stderr[-4000:]}"
        return done.stdout


@pytest.fixture(scope="module")
def database() -> Iterator[Database]:
    """Make a database, for a user whose password any settings can hold."""
    with server.own() as started:
        main = started.database
        main.rows("create role plain login superuser password 'plain'")
        yield replace(main, user="plain", password="plain")


@pytest.mark.parametrize(
    "past",
    [
        Past(OPTUNA, "optuna_past.py", ("version_info",)),
        Past(MLFLOW, "mlflow_past.py", ("experiments", "workspaces")),
    ],
    ids=lambda past: past.environment.name,
)
def test_a_project_reads_from_postgresql_what_it_wrote_into_sqlite_and_goes_on(
    past: Past, database: Database, tmp_path: Path
) -> None:
    file = tmp_path / "past.db"
    database.rows(f"create database {past.environment.name}")
    there = database.named(past.environment.name)
    past.does("write", f"sqlite:///{file}", tmp_path)
    before = past.does("read", f"sqlite:///{file}", tmp_path)
    assert len(before) > 1000
    past.does("make", there.url("psycopg2"), tmp_path)
    for table in past.begins_with:
        there.rows(f"truncate {table} cascade")
    command = [sys.executable, "-c", IMPORT, "import-sqlite", str(file), "--url", there.url()]
    done = subprocess.run(command, cwd=tmp_path, env=base_environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert past.does("read", there.url("psycopg2"), tmp_path) == before
    past.does("more", there.url("psycopg2"), tmp_path)
