"""The states of a database that are neither behind nor up to date, each by its own reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


GIVEN = ("check", "--database", "environment")


def _two_lines(project: Project) -> Project:
    """a1 - a2 and b1 - b2."""
    project.begin().table("a1").table("a2")
    return project.revision("b1", down=None).table("b2")


def _stamped(database: Database, *heads: str) -> None:
    values = ", ".join(f"('{head}')" for head in heads)
    database.rows(f"create table alembic_version (version_num text); insert into alembic_version values {values}")


@pytest.mark.parametrize("policy", ["Allow", "Block"])
def test_upgrade_runs_nothing_when_one_line_is_behind_and_another_unknown(
    any_project: Project, runner: Runner, database: Database, policy: str
) -> None:
    _two_lines(any_project)
    _stamped(database, "future", "b1")
    run = runner.run(any_project, "upgrade", "--database-ahead", policy, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.applied) == (66, "Diverged", ()), run.stderr
    assert run.result.error is not None
    assert "future" in run.result.error.message
    assert "b1" in run.result.error.message
    assert sorted(database.heads()) == ["b1", "future"]


def test_a_line_that_is_complete_beside_an_unknown_one_is_an_ordinary_rollback(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _two_lines(any_project)
    _stamped(database, "future", "b2")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (0, "DatabaseAhead"), run.stderr


def test_check_reports_a_diverged_database_and_the_gate_waits_in_front_of_it(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _two_lines(any_project)
    _stamped(database, "future", "b1")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    run = runner.run(any_project, "check", "--database", "environment", **environment)
    assert (run.code, run.result.reason, run.result.ahead) == (66, "Diverged", True), run.stderr
    gate = runner.start(any_project, "gate", "--database", "environment", **environment)
    (said,) = until(lambda: gate.said("waiting"))
    assert "future" in said["message"]
    assert "b1" in said["message"]
    assert gate.popen.poll() is None


@pytest.mark.parametrize(("words", "row"), [(("upgrade",), "''"), (("check",), "null"), (GIVEN, "null")])
def test_a_row_without_a_revision_is_not_taken_for_one_of_a_newer_image(
    any_project: Project, runner: Runner, database: Database, words: tuple[str, ...], row: str
) -> None:
    any_project.begin().table("one")
    database.rows(f"create table alembic_version (version_num text); insert into alembic_version values ({row})")
    run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"), **database.environment())
    assert (run.code, run.result.reason, run.result.applied) == (70, "VersionTableDamaged", ()), run.stderr
    assert run.result.error is not None
    assert ("without a revision" in run.result.error.message, bool(run.result.error.hint)) == (True, True)


def test_a_table_of_the_version_tables_name_without_its_column_is_damage_to_every_command(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version text); insert into alembic_version values ('one')")
    for words in (("upgrade",), ("check",), GIVEN):
        run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"), **database.environment())
        assert (run.code, run.result.reason) == (70, "VersionTableDamaged"), run.stderr
        assert run.result.error
        assert "version_table in env.py" in run.result.error.hint
