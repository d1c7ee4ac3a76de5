"""Downwards, under the same locks and with the same read-back; never by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

FAIL_ONCE = """
def fail_once():
    import os
    if not os.path.exists("failed"):
        open("failed", "w").close()
        op.execute("do $$ begin raise exception 'x' using errcode = '40001'; end $$")
"""


def _at(database: Database, *heads: str, tables: tuple[str, ...] = ()) -> None:
    """Make the database what an upgrade to these heads would make it."""
    values = ", ".join(f"('{head}')" for head in heads)
    database.rows(f"create table alembic_version (version_num text); insert into alembic_version values {values}")
    for name in tables:
        database.rows(f"create table {name} (id int)")


def _tables(database: Database) -> list[str]:
    sql = "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version' order by 1"
    return [name for (name,) in database.rows(sql)]


def _branches(project: Project) -> Project:
    """root - a1 - a2 on the branch left, root - b1 on the branch right; b1 depends on nothing else."""
    project.begin().table("root")
    project.revision(
        "a1", 'op.execute("create table a1 (id int)")', branch_labels=("left",), downgrade="op.drop_table('a1')"
    )
    project.table("a2")
    return project.revision(
        "b1",
        'op.execute("create table b1 (id int)")',
        down="root",
        branch_labels=("right",),
        downgrade="op.drop_table('b1')",
    )


def test_downgrade_undoes_what_comes_after_the_target_and_reads_it_back(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").table("two").table("three")
    environment = {"APP_URL": database.url(project.driver)}
    runner.run(project, "upgrade", **environment)
    run = runner.run(project, "downgrade", "--target", "one", **environment)
    assert (run.code, run.result.reason, run.result.pending) == (0, "UpToDate", 0), run.stderr
    assert (run.result.from_, run.result.to, run.result.target) == (("three",), ("one",), ("one",))
    assert [one.revision for one in run.result.applied] == ["three", "two"]
    assert [one["revision"] for one in run.said("revision undone")] == ["three", "two"]
    assert not run.said("revision applied")
    assert _tables(database) == ["one"]


@pytest.mark.parametrize(
    ("target", "undone", "to"),
    [
        ("base", {"a2", "a1", "b1", "root"}, ()),
        ("left@-1", {"a2"}, ("a1", "b1")),
        ("right@-1", {"b1"}, ("a2",)),
        ("root", {"a2", "a1", "b1"}, ("root",)),
        ("a1", {"a2"}, ("a1", "b1")),
        ("left@root", {"a2", "a1"}, ("b1",)),
    ],
)
def test_the_targets_of_a_downgrade_are_alembics(
    any_project: Project, runner: Runner, database: Database, target: str, undone: set[str], to: tuple[str, ...]
) -> None:
    environment = {"APP_URL": database.url("psycopg2")}
    _branches(any_project)
    _at(database, "a2", "b1", tables=("root", "a1", "a2", "b1"))
    run = runner.run(any_project, "downgrade", "--target", target, **environment)
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert {one.revision for one in run.result.applied} == undone
    assert run.result.to == run.result.target == to
    assert set(_tables(database)) == {"root", "a1", "a2", "b1"} - undone


def test_a_branch_goes_down_to_its_base(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("a1")
    any_project.revision("b1", down=None, branch_labels=("right",)).revision("b2")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "a1", "b2")
    run = runner.run(any_project, "downgrade", "--target", "right@base", **environment)
    assert (run.code, run.result.to) == (0, ("a1",)), run.stderr
    assert [one.revision for one in run.result.applied] == ["b2", "b1"]


def test_a_merge_is_undone_into_its_branches(any_project: Project, runner: Runner, database: Database) -> None:
    _branches(any_project).revision("merged", down=("a2", "b1"))
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "merged")
    run = runner.run(any_project, "downgrade", "--target", "a2", **environment)
    assert (run.code, run.result.to, run.result.target) == (0, ("a2", "b1"), ("a2", "b1")), run.stderr


def test_minus_one_goes_down_once_although_its_first_attempt_fails(
    any_project: Project, runner: Runner, database: Database
) -> None:
    """The first attempt undoes `four` and fails in `three`; the second must not count from there."""
    any_project.begin().table("one").table("two")
    any_project.revision("three", downgrade="fail_once()").revision("four")
    path = any_project.folder / "migrations/versions/three.py"
    path.write_text(path.read_text() + FAIL_ONCE)
    _at(database, "four")
    run = runner.run(any_project, "downgrade", "--target=-2", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.to) == (0, ("two",)), run.stderr
    assert run.said("retrying")
    assert [one.revision for one in run.result.applied] == ["four", "three"]


def test_a_downgrade_that_fails_leaves_the_revision_above(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    any_project.revision("two", downgrade='op.execute("drop table nothing")').table("three")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "three", tables=("one", "three"))
    run = runner.run(any_project, "downgrade", "--target", "base", **environment)
    assert (run.code, run.result.reason, run.result.to) == (70, "RevisionFailed", ("two",)), run.stderr
    assert [one.revision for one in run.result.applied] == ["three"]
    assert run.result.pending == 2
    assert run.result.error is not None
    assert (run.result.error.revision, run.result.error.sqlstate) == ("two", "42P01")
    assert "the database stays at this revision" in run.result.error.hint


def test_nothing_is_undone_when_one_revision_on_the_way_has_no_downgrade(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision("two", downgrade=None).table("three")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "three", tables=("one", "three"))
    run = runner.run(any_project, "downgrade", "--target", "one", **environment)
    assert (run.code, run.result.reason, run.result.to) == (65, "BrokenScripts", ("three",)), run.stderr
    assert run.result.error is not None
    message = run.result.error.message
    assert message.startswith("revision two has no downgrade(): ")
    assert message.endswith("migrations/versions/two.py; nothing was undone")
    run = runner.run(any_project, "downgrade", "--target", "two", **environment)
    assert (run.code, run.result.to) == (0, ("two",)), run.stderr


@pytest.mark.parametrize("command", ["downgrade", "stamp"])
def test_scripts_that_do_not_know_the_current_revision_cannot_move_from_it(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one").table("two")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(any_project, command, "--target", "one", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.ahead) == (66, "UnknownRevision", True), run.stderr
    assert run.result.error is not None
    assert "future" in run.result.error.message
    assert database.heads() == ["future"]


@pytest.mark.parametrize(
    ("target", "code", "reason", "words"),
    [
        ("heads", 64, "ConfigInvalid", "--target"),
        ("three", 65, "UnknownTarget", "the database contains two, and nothing that comes after the target"),
        ("nowhere", 65, "UnknownTarget", "nowhere"),
        ("+1", 65, "UnknownTarget", "+1"),
        ("-9", 65, "UnknownTarget", "-9"),
    ],
)
def test_a_target_that_is_not_below_is_refused(
    any_project: Project, runner: Runner, database: Database, target: str, code: int, reason: str, words: str
) -> None:
    any_project.begin().table("one").table("two").table("three")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "two")
    run = runner.run(any_project, "downgrade", f"--target={target}", **environment)
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error is not None
    assert words in run.result.error.message
    assert database.heads() == ["two"]


def test_a_number_of_steps_is_refused_when_the_database_has_several_heads(
    any_project: Project, runner: Runner, database: Database
) -> None:
    environment = {"APP_URL": database.url("psycopg2")}
    _branches(any_project)
    _at(database, "a2", "b1")
    run = runner.run(any_project, "downgrade", "--target=-1", **environment)
    assert (run.code, run.result.reason) == (65, "UnknownTarget"), run.stderr
    assert run.result.error is not None
    assert "BRANCH@-1" in run.result.error.hint


def test_a_downgrade_that_a_transaction_of_env_py_rolls_back_is_no_success(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "two", tables=("one", "two"))
    path = any_project.folder / "migrations/env.py"
    path.write_text(
        path.read_text()
        .replace("context.configure(", "transaction = connection.begin()\n        context.configure(")
        .replace("context.run_migrations()", "context.run_migrations()\n        transaction.rollback()")
    )
    run = runner.run(any_project, "downgrade", "--target", "one", **environment)
    assert (run.code, run.result.reason, run.result.to) == (70, "NotCommitted", ("two",)), run.stderr
    assert run.result.applied == ()
    assert run.result.pending == 1


def test_upgrade_goes_down_only_where_it_is_allowed(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").table("two").table("three")
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "three", tables=("one", "two", "three"))
    run = runner.run(any_project, "upgrade", "--target", "one", **environment)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("three",)), run.stderr
    run = runner.run(any_project, "upgrade", "--target", "one", "--downgrade", "Allow", **environment)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("one",)), run.stderr
    assert [one.revision for one in run.result.applied] == ["three", "two"]
    run = runner.run(any_project, "upgrade", "--target", "two", "--downgrade", "Allow", **environment)
    assert (run.code, run.result.to) == (0, ("two",)), run.stderr
    assert [one.revision for one in run.result.applied] == ["two"]


@pytest.mark.parametrize("target", ["heads", "head", "left", "left@head", "right@head"])
def test_a_target_that_names_no_single_revision_never_leads_down(
    any_project: Project, runner: Runner, database: Database, target: str
) -> None:
    """`left` is the label of a1, which the database is beyond."""
    _branches(any_project).revision("merged", down=("a2", "b1"))
    environment = {"APP_URL": database.url("psycopg2")}
    _at(database, "merged")
    run = runner.run(any_project, "upgrade", "--target", target, "--downgrade", "Allow", **environment)
    assert (run.code, run.result.to, run.result.applied) == (0, ("merged",), ()), run.stderr


def test_upgrade_never_goes_down_from_a_revision_that_is_unknown(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(
        any_project, "upgrade", "--target", "one", "--downgrade", "Allow", APP_URL=database.url("psycopg2")
    )
    assert (run.code, run.result.reason) == (0, "DatabaseAhead"), run.stderr
    assert database.heads() == ["future"]
