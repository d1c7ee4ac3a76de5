"""Configurations, scripts and targets, right and wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database


def _failed(run: Run, code: int, reason: str) -> str:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint
    return run.result.error.message


def _branches(project: Project) -> Project:
    project.begin().table("first")
    project.revision("left", 'op.execute("create table l (id int)")', down="first", branch_labels=("links",))
    return project.revision("right", 'op.execute("create table r (id int)")', down="first")


def test_a_missing_configuration_is_named(any_project: Project, runner: Runner) -> None:
    any_project.folder.mkdir()
    assert "alembic.ini" in _failed(runner.run(any_project, "upgrade"), 64, "ConfigInvalid")


def test_a_missing_section_is_named(any_project: Project, runner: Runner) -> None:
    any_project.begin().table("one")
    assert "tenants" in _failed(runner.run(any_project, "upgrade", "--section", "tenants"), 64, "ConfigInvalid")


def test_a_missing_script_folder_is_named(any_project: Project, runner: Runner) -> None:
    any_project.begin()
    any_project.write("alembic.ini", "[alembic]\nscript_location = gone\n")
    assert "gone" in _failed(runner.run(any_project, "upgrade"), 64, "ConfigInvalid")


def test_a_configuration_that_cannot_be_read_ends_in_a_result(any_project: Project, runner: Runner) -> None:
    any_project.begin()
    any_project.write("alembic.ini", "script_location = x\n")
    _failed(runner.run(any_project, "upgrade"), 64, "ConfigInvalid")


def test_a_pyproject_toml_is_a_configuration(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    (any_project.folder / "alembic.ini").unlink()
    any_project.write("pyproject.toml", '[tool.alembic]\nscript_location = "%(here)s/migrations"\n')
    run = runner.run(any_project, "upgrade", "--config", "pyproject.toml", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_two_heads_for_head_are_named_with_the_way_out(
    any_project: Project, runner: Runner, database: Database
) -> None:
    run = runner.run(_branches(any_project), "upgrade", "--target", "head", APP_URL=database.url("psycopg2"))
    message = _failed(run, 65, "MultipleHeads")
    assert "left" in message
    assert "right" in message
    assert run.result.error
    assert "`heads`" in run.result.error.hint
    assert database.heads() == []


def test_two_heads_are_reached_by_heads(any_project: Project, runner: Runner, database: Database) -> None:
    run = runner.run(_branches(any_project), "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.to, run.result.target) == (0, ("left", "right"), ("left", "right")), run.stderr


@pytest.mark.parametrize(
    ("target", "reached", "pending"),
    [
        ("first", ("first",), 0),
        ("fir", ("first",), 0),
        ("links@head", ("left",), 0),
        ("+1", ("first",), 0),
        ("links@+2", ("left",), 0),
    ],
)
def test_a_target_is_what_alembic_understands_by_it(
    any_project: Project, runner: Runner, database: Database, target: str, reached: tuple[str, ...], pending: int
) -> None:
    run = runner.run(_branches(any_project), "upgrade", "--target", target, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.to, run.result.target, run.result.pending) == (0, reached, reached, pending), (
        run.stderr
    )


@pytest.mark.parametrize("target", ["nowhere", "nobranch@head", "+7"])
def test_an_unknown_target_is_named(any_project: Project, runner: Runner, database: Database, target: str) -> None:
    run = runner.run(_branches(any_project), "upgrade", "--target", target, APP_URL=database.url("psycopg2"))
    assert target in _failed(run, 65, "UnknownTarget")
    assert database.value("select to_regclass('first')") is None


def test_a_target_that_is_passed_already_changes_nothing(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    database.contain("two")
    run = runner.run(any_project, "upgrade", "--target", "one", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.to, run.result.pending) == (0, ("two",), 0), run.stderr


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_a_broken_chain_is_named(any_project: Project, runner: Runner, database: Database, command: str) -> None:
    any_project.begin().revision("two", down="gone")
    message = _failed(runner.run(any_project, command, APP_URL=database.url("psycopg2")), 65, "BrokenScripts")
    assert "a revision refers to 'gone'" in message
    assert "two" in message


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_a_project_without_revisions_is_broken(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin()
    _failed(runner.run(any_project, command, APP_URL=database.url("psycopg2")), 65, "BrokenScripts")


@pytest.mark.parametrize(
    ("command", "text", "said", "hint"),
    [
        ("check", "import not_there_at_all", "No module named 'not_there_at_all'", "Else install it"),
        ("upgrade", "from os import not_there_at_all", "cannot import name", "has the traceback"),
        ("check", "import os; os.environ['NOT_SET']", "KeyError: 'NOT_SET'", "variable"),
        ("upgrade", "<<<<<<< HEAD", "line 1", "half resolved merge"),
        ("check", "x = 1\0", "null", ""),
        ("upgrade", "import sys; sys.exit('not here')", "not here", "traceback"),
    ],
)
def test_a_revision_that_cannot_be_loaded_is_named_with_its_error_and_traceback(
    any_project: Project, runner: Runner, database: Database, text: str, said: str, hint: str, command: str
) -> None:
    any_project.begin().table("one").write("migrations/versions/two.py", f"{text}\n")
    run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
    message = _failed(run, 65, "BrokenScripts")
    assert "migrations/versions/two.py cannot be loaded: " in message
    assert said in message
    assert run.result.error
    assert hint in run.result.error.hint
    assert "down_revision" not in run.result.error.hint
    (failed,) = run.said("failed")
    assert "Traceback" in failed["traceback"]


def test_a_revision_that_env_py_loads_itself_is_named_as_well(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="context.script.get_heads()").table("one")
    any_project.write("migrations/versions/two.py", "import not_there_at_all\n")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert "two.py cannot be loaded: " in _failed(run, 65, "BrokenScripts")


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_what_macos_keeps_beside_a_revision_is_no_revision(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one").revision("two", "pass", label=str(1))
    any_project.write("migrations/versions/._two.py", "\0\5\26\7\0\2\0\0Mac OS X")
    any_project.write("migrations/versions/three.py", "make = str\nrevision = make('three')\ndown_revision = 'two'\n")
    run = runner.run(any_project, command, "--target", "two", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.target) == (0, ("two",)), run.stderr


def test_a_helper_beside_the_revisions_is_named(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").write("migrations/versions/helper.py", "x = 1\n")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert "helper.py" in _failed(run, 65, "BrokenScripts")
    assert run.result.error
    assert "move that file" in run.result.error.hint


def test_a_database_that_is_ahead_is_left_alone(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason, run.result.ahead) == (0, "DatabaseAhead", True), run.stderr
    assert (run.result.to, database.heads()) == (("future",), ["future"])
    assert database.value("select to_regclass('one')") is None


def test_the_version_table_of_another_service_is_told_from_a_rollback(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.create_table("basket", sa.Column("id", sa.Integer))')
    any_project.revision("two", 'op.rename_table("basket", "cart")').table("three")
    database.rows("create table users (id int); create table alembic_version (version_num text)")
    database.rows("insert into alembic_version values ('of_users')")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    said = _failed(run, 66, "VersionTableShared")
    assert "contains of_users, which these scripts do not know" in said
    assert "none of the tables that they make is there, as cart" in said
    assert run.result.error
    assert "spec.database.schema" in run.result.error.hint
    assert (database.heads(), database.value("select to_regclass('cart') is null")) == (["of_users"], True)
    database.rows("create schema elsewhere; create table elsewhere.cart (id int)")
    after = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (after.code, after.result.reason) == (0, "DatabaseAhead"), after.stderr


def test_a_database_that_is_ahead_blocks_when_it_should(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(any_project, "upgrade", "--database-ahead", "Block", APP_URL=database.url("psycopg2"))
    assert "future" in _failed(run, 66, "DatabaseAheadBlocked")


def test_wrong_usage_ends_in_a_result(any_project: Project, runner: Runner) -> None:
    any_project.folder.mkdir()
    process = runner.start(any_project, "upgrade", "--lock-timeout", "soon")
    assert process.popen.wait(20) == 64
    assert '"reason":"ConfigInvalid"' in process.out.read_text()
    assert "--lock-timeout" in process.out.read_text()
