"""`check` says what is, and changes nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

FORBIDDEN = "raise RuntimeError('env.py was run')\n"


@pytest.fixture(params=["env.py", "environment"])
def how(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _environment(how: str, database: Database, driver: str) -> dict[str, str]:
    return database.environment() if how == "environment" else {"APP_URL": database.url(driver)}


def test_check_of_an_empty_database_is_pending_and_creates_nothing(
    project: Project, runner: Runner, database: Database, how: str
) -> None:
    project.begin().table("one").table("two")
    environment = {"APP_URL": database.url(project.driver), **_environment(how, database, project.driver)}
    run = runner.run(project, "check", "--database", how, **environment)
    assert (run.code, run.result.reason, run.result.pending) == (0, "Pending", 2), run.stderr
    assert (run.result.from_, run.result.to, run.result.target) == ((), (), ("two",))
    assert database.value("select count(*) from pg_tables where schemaname = 'public'") == 0


def test_check_counts_what_is_missing_and_then_is_up_to_date(
    project: Project, runner: Runner, database: Database, how: str
) -> None:
    project.begin().table("one").table("two").table("three")
    environment = {"APP_URL": database.url(project.driver), **_environment(how, database, project.driver)}
    database.contain("one")
    run = runner.run(project, "check", "--database", how, **environment)
    assert (run.code, run.result.reason, run.result.pending, run.result.to) == (0, "Pending", 2, ("one",)), run.stderr
    run = runner.run(project, "check", "--database", how, "--target", "one", **environment)
    assert (run.code, run.result.reason, run.result.pending) == (0, "UpToDate", 0), run.stderr


def test_check_says_that_the_database_is_ahead(
    any_project: Project, runner: Runner, database: Database, how: str
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    environment = {"APP_URL": database.url("psycopg2"), **_environment(how, database, "psycopg2")}
    run = runner.run(any_project, "check", "--database", how, **environment)
    assert (run.code, run.result.reason, run.result.ahead) == (0, "DatabaseAhead", True), run.stderr


def test_check_with_an_address_runs_neither_env_py_nor_a_revision(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    database.contain("one")
    for name in ("migrations/env.py", "migrations/versions/two.py"):
        path = any_project.folder / name
        path.write_text(FORBIDDEN + path.read_text())
    run = runner.run(any_project, "check", "--database", "environment", **database.environment())
    assert (run.code, run.result.pending) == (0, 1), run.stderr


def test_check_asks_env_py_where_only_that_knows_the_version_table(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(arguments=", version_table='_'.join(['my', 'versions'])").table("one")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    runner.run(any_project, "upgrade", **environment)
    run = runner.run(any_project, "check", "--database", "environment", **environment)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("one",)), run.stderr


def test_check_reads_a_version_table_that_env_py_names(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create schema ledger")
    any_project.begin(arguments=", version_table='applied', version_table_schema='ledger'").table("one")
    runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    path = any_project.folder / "migrations" / "env.py"
    path.write_text(FORBIDDEN + path.read_text())
    run = runner.run(any_project, "check", "--database", "environment", **database.environment())
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr


def test_the_result_goes_to_standard_output_alone_when_no_file_is_named(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="print('noise on standard output')").table("one")
    process = runner.start(any_project, "check", result="", APP_URL=database.url("psycopg2"))
    assert process.popen.wait(20) == 0
    assert json.loads(process.out.read_text())["reason"] == "Pending"
    assert "noise on standard output" in process.log()
