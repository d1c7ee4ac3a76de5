"""A database that is full, and of which no version table speaks: tried, told, and adopted by `stamp`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alembic_operator.core import names
from alembic_operator.runner.database.versions import LOCK_CLASS_A, VersionTable
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

EMPTY = "create table alembic_version (version_num varchar(32) primary key)"


@pytest.mark.parametrize("exists", [False, True])
def test_a_first_revision_that_meets_its_own_tables_says_to_stamp(
    project: Project, runner: Runner, database: Database, exists: bool
) -> None:
    project.begin().table("one").table("two")
    database.rows(f"create table one (id int); {EMPTY if exists else ''}")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    reason = "VersionTableEmpty" if exists else "VersionTableMissing"
    assert (run.code, run.result.reason, run.result.to) == (70, reason, ()), run.stderr
    assert run.result.error is not None
    assert (run.result.error.sqlstate, run.result.error.revision) == ("42P07", "one")
    assert "`stamp` in place of `upgrade`" in run.result.error.hint
    assert names.RETRY in run.result.error.hint
    (warning,) = run.result.warnings
    assert ("is empty" if exists else "does not exist") in warning


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("alter table there add column id int", "42701"),
        ("alter table there add constraint twice check (true)", "42710"),
        ("create schema public", "42P06"),
    ],
)
def test_every_kind_of_object_that_exists_counts(
    any_project: Project, runner: Runner, database: Database, statement: str, code: str
) -> None:
    any_project.begin().revision("one", f'op.execute("{statement}")')
    database.rows("create table there (id int, constraint twice check (true))")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "VersionTableMissing"), run.stderr
    assert run.result.error is not None
    assert run.result.error.sqlstate == code


def test_a_chain_that_starts_from_tables_that_exist_runs_and_is_warned_of(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("alter table there add column more int")').table("two")
    database.rows("create table there (id int)")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr
    assert [one["level"] for one in run.said("schema is not empty")] == ["warning"]
    (warning,) = run.result.warnings
    assert "The schema public holds tables" in warning
    assert runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2")).result.warnings == ()


@pytest.mark.parametrize(
    "there",
    [
        "select 1",
        "create table there (id int); alter extension plpgsql add table there",
        "create view seen as select 1",
        "create schema other; create table other.one (id int)",
    ],
)
def test_what_is_no_table_of_the_schema_makes_no_warning(
    any_project: Project, runner: Runner, database: Database, there: str
) -> None:
    any_project.begin().table("one")
    database.rows(there)
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.warnings) == (0, ()), run.stderr


def test_a_later_revision_that_meets_an_object_fails_as_any_other(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    database.rows("create table two (id int)")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to) == (70, "RevisionFailed", ("one",)), run.stderr


def test_stamp_adopts_a_database_and_upgrade_goes_on_from_there(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").table("two").table("three")
    database.rows("create table one (id int); create table two (id int)")
    environment = {"APP_URL": database.url(project.driver)}
    run = runner.run(project, "stamp", "--target", "two", **environment)
    assert (run.code, run.result.reason, run.result.pending) == (0, "UpToDate", 0), run.stderr
    assert (run.result.from_, run.result.to, run.result.target) == ((), ("two",), ("two",))
    assert (run.result.applied, run.result.warnings) == ((), ())
    run = runner.run(project, "upgrade", **environment)
    assert (run.code, [one.revision for one in run.result.applied]) == (0, ["three"]), run.stderr


@pytest.mark.parametrize(
    ("heads", "target", "to"),
    [
        ((), "heads", ("a2", "b2")),
        (("a1", "b1"), "heads", ("a2", "b2")),
        (("a2", "b2"), "a1", ("a1", "b2")),
        (("a2", "b2"), "right@base", ("a2",)),
        (("a2", "b2"), "base", ()),
        (("a1",), "right@head", ("a1", "b2")),
        (("a1",), "a2,b1", ("a2", "b1")),
        (("a2",), "a2", ("a2",)),
    ],
)
def test_the_targets_of_a_stamp_are_alembics(
    any_project: Project, runner: Runner, database: Database, heads: tuple[str, ...], target: str, to: tuple[str, ...]
) -> None:
    any_project.begin().table("a1").table("a2")
    any_project.revision("b1", down=None, branch_labels=("right",)).table("b2")
    database.rows(EMPTY)
    for head in heads:
        database.rows(f"insert into alembic_version values ('{head}')")
    run = runner.run(any_project, "stamp", "--target", target, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert run.result.to == run.result.target == to
    assert sorted(database.heads()) == list(to)
    assert database.value("select count(*) from pg_tables where schemaname = 'public'") == 1


@pytest.mark.parametrize("target", ["+1", "-1", "nowhere"])
def test_a_stamp_needs_a_revision(any_project: Project, runner: Runner, database: Database, target: str) -> None:
    any_project.begin().table("one")
    run = runner.run(any_project, "stamp", f"--target={target}", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (65, "UnknownTarget"), run.stderr
    assert run.result.error is not None
    assert target in run.result.error.message


@pytest.mark.parametrize("command", ["downgrade", "stamp"])
def test_no_command_moves_a_database_while_somebody_else_holds_the_key(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one").table("two")
    database.rows(f"create table one (id int); create table two (id int); {EMPTY}")
    database.rows("insert into alembic_version values ('two')")
    key = VersionTable("public", "alembic_version").lock_object
    with database.connect() as holder:
        holder.execute(f"select pg_advisory_lock({LOCK_CLASS_A}, {key})".encode())
        process = runner.start(any_project, command, "--target", "one", APP_URL=database.url("psycopg2"))
        until(lambda: process.said("waiting for lock"))
        assert database.heads() == ["two"]
    assert process.finish().result.to == ("one",)


@pytest.mark.parametrize("how", ["env.py", "environment"])
@pytest.mark.parametrize("exists", [False, True])
def test_check_warns_of_tables_of_which_no_version_table_speaks(
    any_project: Project, runner: Runner, database: Database, how: str, exists: bool
) -> None:
    any_project.begin().table("one")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    assert runner.run(any_project, "check", "--database", how, **environment).result.warnings == ()
    database.rows(f"create table one (id int); {EMPTY if exists else ''}")
    run = runner.run(any_project, "check", "--database", how, **environment)
    assert (run.code, run.result.reason) == (0, "Pending"), run.stderr
    (warning,) = run.result.warnings
    assert ("is empty" if exists else "does not exist") in warning
