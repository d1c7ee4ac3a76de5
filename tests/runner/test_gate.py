"""`gate` waits, says what for, and passes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database


@pytest.fixture(params=["env.py", "environment"])
def how(request: pytest.FixtureRequest) -> tuple[str, ...]:
    return ("gate", "--database", str(request.param))


def _environment(project: Project, database: Database) -> dict[str, str]:
    return {"APP_URL": database.url(project.driver), **database.environment()}


def _messages(process: Process) -> list[str]:
    return [one["message"] for one in process.said("waiting")]


def test_the_gate_passes_at_once_when_the_database_contains_the_revision(
    project: Project, runner: Runner, database: Database, how: tuple[str, ...]
) -> None:
    project.begin().table("one")
    database.contain("one")
    run = runner.run(project, *how, **_environment(project, database))
    assert (run.code, run.result.reason, run.said("waiting")) == (0, "UpToDate", []), run.stderr


def test_the_gate_waits_for_the_migration_and_says_each_change_once(
    project: Project, runner: Runner, database: Database, how: tuple[str, ...]
) -> None:
    project.begin().table("one").table("two")
    gate = runner.start(project, *how, **_environment(project, database))
    until(lambda: _messages(gate))
    runner.run(project, "upgrade", "--target", "one", APP_URL=database.url(project.driver))
    until(lambda: len(_messages(gate)) == 2)
    runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    run = gate.finish()
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr
    assert _messages(gate) == [
        "waiting for revision two: the database contains no revision (2 pending)",
        "waiting for revision two: the database contains one (1 pending)",
    ]


def test_the_gate_of_an_old_image_passes_when_the_database_is_ahead(
    any_project: Project, runner: Runner, database: Database, how: tuple[str, ...]
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(any_project, *how, **_environment(any_project, database))
    assert (run.code, run.result.reason, run.result.ahead) == (0, "DatabaseAhead", True), run.stderr


def test_the_gate_of_an_older_known_revision_passes(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").table("two")
    database.contain("two")
    run = runner.run(any_project, "gate", "--target", "one", **_environment(any_project, database))
    assert run.code == 0


def test_a_blocking_gate_waits_when_the_database_is_ahead(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    gate = runner.start(any_project, "gate", "--database-ahead", "Block", **_environment(any_project, database))
    (message,) = until(lambda: _messages(gate))
    assert "future" in message


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"PGPASSWORD": "wrong"}, "password authentication failed"),
        ({"PGPORT": "1"}, "127.0.0.1:1"),
        ({"PGHOST": "no-such-host.invalid"}, "no-such-host.invalid"),
        ({"PGDATABASE": "missing"}, "missing"),
        ({"PGSSLMODE": "require"}, "does not support SSL"),
    ],
)
def test_the_gate_waits_while_it_cannot_connect(
    any_project: Project, runner: Runner, database: Database, wrong: dict[str, str], words: str
) -> None:
    any_project.begin().table("one")
    environment = {**_environment(any_project, database), **wrong}
    gate = runner.start(any_project, "gate", "--database", "environment", **environment)
    (message,) = until(lambda: _messages(gate))
    assert words in message
    assert gate.popen.poll() is None


def test_the_gate_of_an_env_py_survives_a_database_that_comes_later(
    project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    later = postgresql.named(f"{database.name}_later")
    project.begin(before="print('env.py ran')").table("one")
    gate = runner.start(project, "gate", APP_URL=later.url(project.driver))
    try:
        (message,) = until(lambda: _messages(gate))
        assert later.name in message
        postgresql.rows(f"create database {later.name}")
        until(lambda: len(_messages(gate)) == 2)
        runner.run(project, "upgrade", APP_URL=later.url(project.driver))
        run = gate.finish()
        assert run.code == 0, run.stderr
        assert run.stderr.count("env.py ran") == 1
    finally:
        gate.popen.kill()
        postgresql.rows(f"drop database if exists {later.name} with (force)")


@pytest.mark.parametrize("heads", ["", "insert into alembic_version values ('one')"])
def test_a_gate_without_revisions_never_passes(
    any_project: Project, runner: Runner, database: Database, how: tuple[str, ...], heads: str
) -> None:
    any_project.begin()
    database.rows(f"create table alembic_version (version_num text); {heads}")
    gate = runner.start(any_project, *how, **_environment(any_project, database))
    (message,) = until(lambda: _messages(gate))
    assert "no revision" in message
    assert gate.popen.poll() is None


def test_a_gate_finds_the_version_table_that_only_env_py_knows(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create schema tenant")
    any_project.begin(before='connection.execute(text("set search_" + "path to tenant"))').table("one")
    environment = _environment(any_project, database)
    runner.run(any_project, "upgrade", **environment)
    run = runner.run(any_project, "gate", "--database", "environment", **environment)
    assert (run.code, run.result.to) == (0, ("one",)), run.stderr


def test_a_password_that_the_runners_driver_finds_too_weak_is_left_to_that_of_the_image(
    any_project: Project, runner: Runner, database: Database
) -> None:
    if database.value("select current_setting('server_version_num')::int") < 160000:
        pytest.skip("no scram_iterations before PostgreSQL 16")
    any_project.begin().table("one")
    database.contain("one")
    user = f"{database.name}_weak"
    database.rows(f"set scram_iterations = 1; create role {user} login password 'secret'")
    database.rows(f"grant select on alembic_version to {user}")
    weak = replace(database, user=user, password="secret")
    try:
        run = runner.run(any_project, "gate", "--database", "environment", **_environment(any_project, weak))
    finally:
        database.rows(f"drop owned by {user}; drop role {user}")
    assert (run.code, run.result.reason, len(run.said("looking with Alembic"))) == (0, "UpToDate", 1), run.stderr


IN_A_HURRY = """
import sys
sys.path.insert(0, {archive!r})
from alembic_operator.runner.main import main
from alembic_operator.runner.process import pace
pace._FIRST_SECONDS = 0.1
sys.exit(main(sys.argv[1:]))
"""


def test_a_wait_that_lasts_is_said_again_with_its_beginning(
    any_project: Project, runner: Runner, database: Database, how: tuple[str, ...], tmp_path: Path
) -> None:
    program = tmp_path / "gate.py"
    program.write_text(IN_A_HURRY.format(archive=str(runner.pyz)), encoding="utf-8")
    any_project.begin().table("one")
    gate = replace(runner, pyz=program).start(any_project, *how, **_environment(any_project, database))
    said = until(lambda: gate.said("still waiting"))[0]
    (first,) = gate.said("waiting")
    assert said["message"] == first["message"]
    assert first["time"][:19] <= said["since"][:19] <= said["time"][:19]
    assert said["minutes"] == 0


def test_a_gate_with_a_configuration_that_does_not_exist_ends(any_project: Project, runner: Runner) -> None:
    any_project.folder.mkdir()
    run = runner.run(any_project, "gate")
    assert (run.code, run.result.reason) == (64, "ConfigInvalid")


def test_a_gate_with_a_deadline_ends_with_it_and_says_what_it_waited_for(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().table("one")
    run = runner.run(any_project, "gate", f"--deadline={deadline}", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    assert "while waiting for revision one" in run.result.error.message
    assert "spec.policy.deadline" not in run.result.error.hint


def test_the_gate_of_an_import_waits_for_its_mark_when_all_revisions_are_there(
    any_project: Project, runner: Runner, database: Database, how: tuple[str, ...]
) -> None:
    project = any_project.begin().table("one")
    database.contain("one")
    gate = runner.start(project, *how, "--await-import", "past", **_environment(project, database))
    until(lambda: _messages(gate))
    database.rows("CREATE TABLE alembic_operator_imported (name text PRIMARY KEY)")
    database.rows("INSERT INTO alembic_operator_imported VALUES ('another')")
    assert gate.popen.poll() is None
    database.rows("INSERT INTO alembic_operator_imported VALUES ('past')")
    run = gate.finish()
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert _messages(gate) == ["waiting for import past: the database has all revisions, and not yet its rows"]
