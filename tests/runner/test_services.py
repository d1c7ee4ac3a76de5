"""The five demo services, each with an env.py of another kind, unedited, into one database."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project

if TYPE_CHECKING:
    from tests.runner.project import Process, Runner
    from tests.runner.server import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"
HEADS = {
    "users": "b60f27d9e1a3",
    "agents": "d1b7e60f93ac",
    "chat": "0003",
    "tracing": "d40000000001",
    "admin": "f02a6c1d8e37",
}
TABLES = {
    "users": ["alembic_version", "users"],
    "agents": ["agents", "alembic_version", "tools"],
    "chat": ["alembic_version", "conversations", "messages"],
    "tracing": ["retention", "spans", "traces", "tracing_version"],
    "admin": ["alembic_version", "audit", "settings"],
}
ELSEWHERE = {
    "users": {
        "USE_POSTGRES": "true",
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": "1",
        "POSTGRES_USER": "nobody",
        "POSTGRES_PASSWORD": "wrong",
        "POSTGRES_DB": "nowhere",
    },
    "chat": {"USE_POSTGRES": "true"},
    "admin": {"DATABASE_URI": "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"},
}
"""What their images have in their environment; the runner leads all of them to the database that it is given."""


def _service(name: str, folder: Path) -> Project:
    shutil.copytree(MIGRATIONS / name, folder, ignore=shutil.ignore_patterns("__pycache__", "releases"))
    for release in ("v1", "v2") if name == "users" else ():
        shutil.copytree(MIGRATIONS / name / "releases" / release, folder, dirs_exist_ok=True)
    return Project(folder)


def _tables(database: Database, schema: str) -> list[str]:
    return [
        row[0] for row in database.rows(f"select tablename from pg_tables where schemaname = '{schema}' order by 1")
    ]


def _start(runner: Runner, project: Project, name: str, database: Database, command: str = "upgrade") -> Process:
    words = (command, "--database", "environment", "--schema", name)
    return runner.start(project, *words, **ELSEWHERE.get(name, {}), **database.environment())


def test_five_services_share_a_database_each_in_its_own_schema_at_once(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    projects = {name: _service(name, tmp_path / name) for name in HEADS}
    started = {name: _start(runner, project, name, database) for name, project in projects.items()}
    for name, process in started.items():
        run = process.finish(120)
        assert (run.code, run.result.to) == (0, (HEADS[name],)), run.stderr
        assert _tables(database, name) == TABLES[name]
    assert _tables(database, "public") == []
    again = {name: _start(runner, project, name, database, "check") for name, project in projects.items()}
    for name, process in again.items():
        run = process.finish(120)
        assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", (HEADS[name],)), run.stderr


@pytest.mark.parametrize("name", ["chat", "users"])
def test_a_service_whose_switch_is_forgotten_is_refused(
    runner: Runner, database: Database, tmp_path: Path, name: str
) -> None:
    project = _service(name, tmp_path / name)
    run = runner.run(project, "upgrade", "--database", "environment", **database.environment())
    assert run.code != 0
    assert run.result.reason in ("NotPostgreSQL", "EnvFailed", "AlembicNotFound"), run.stderr
    assert run.result.error
    assert _tables(database, "public") == []


def test_a_service_with_a_schema_of_its_own_works_without_being_told_one(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    for name in ("tracing", "admin"):
        project = _service(name, tmp_path / name)
        words = ("upgrade", "--database", "environment")
        run = runner.run(project, *words, **ELSEWHERE.get(name, {}), **database.environment())
        assert (run.code, run.result.to) == (0, (HEADS[name],)), run.stderr
        assert _tables(database, name) == TABLES[name]
