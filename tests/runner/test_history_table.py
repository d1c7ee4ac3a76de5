"""With `--history Enabled` what is applied or undone is recorded in the version table's own transaction."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.runner.kept import KEPT, TABLE, has_history, recorded, told
from tests.runner.project import Project
from tests.runner.rivals import held_up, holding_up
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database


def branched(project: Project) -> Project:
    """root <- left and right, which needs `alone` of another base; both <- merged."""
    project.begin().table("root")
    project.revision("alone", down=None)
    project.revision("left", down="root").revision("right", down="root", depends_on="alone")
    return project.revision("merged", down=("left", "right"))


def test_every_revision_is_recorded_when_and_by_whom_it_was_applied(
    project: Project, runner: Runner, database: Database
) -> None:
    branched(project)
    run = runner.run(project, "upgrade", *KEPT, APP_URL=database.url(project.driver), HOSTNAME="users-7f9c")
    assert told(run) == (0, "UpToDate"), run.stderr
    assert recorded(database) == ["alone", "left", "merged", "right", "root"]
    assert database.value(f"select bool_and(applied_at <= now()) from {TABLE}")
    assert database.value(f"select bool_and(applied_by like 'alembic-operator/users-7f9c/%') from {TABLE}")
    assert run.said("history begun")


def test_without_the_flag_there_is_no_table_and_no_statement_more(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (told(run), has_history(database)) == ((0, "UpToDate"), False), run.stderr


def test_the_first_run_fills_in_what_the_database_contains_already(
    project: Project, runner: Runner, database: Database
) -> None:
    branched(project)
    url = database.url(project.driver)
    runner.run(project, "upgrade", "--target", "right", APP_URL=url)
    run = runner.run(project, "upgrade", *KEPT, APP_URL=url)
    assert (told(run), recorded(database)) == ((0, "UpToDate"), ["alone", "left", "merged", "right", "root"]), (
        run.stderr
    )
    seen = database.rows(f"select revision from {TABLE} where applied_at is not null order by 1")
    assert seen == [("left",), ("merged",)]


def test_a_run_with_nothing_to_apply_makes_the_history_too(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two")
    runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    assert (told(run), run.result.applied, recorded(database)) == ((0, "UpToDate"), (), ["one", "two"]), run.stderr


def test_what_plain_alembic_did_meanwhile_is_caught_up_with(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    url = database.url("psycopg2")
    runner.run(any_project, "upgrade", *KEPT, APP_URL=url)
    any_project.table("two").table("three")
    runner.run(any_project, "upgrade", APP_URL=url)
    assert recorded(database) == ["one"]
    runner.run(any_project, "upgrade", *KEPT, APP_URL=url)
    assert recorded(database) == ["one", "three", "two"]
    runner.run(any_project, "downgrade", "--target", "one", APP_URL=url)
    runner.run(any_project, "upgrade", "--target", "two", *KEPT, APP_URL=url)
    assert recorded(database) == ["one", "two"]


def test_a_downgrade_forgets_what_it_undoes(any_project: Project, runner: Runner, database: Database) -> None:
    branched(any_project)
    url = database.url(any_project.driver)
    runner.run(any_project, "upgrade", *KEPT, APP_URL=url)
    run = runner.run(any_project, "downgrade", "--target", "root", *KEPT, APP_URL=url)
    assert (run.code, database.heads()) == (0, ["alone", "root"]), run.stderr
    assert recorded(database) == ["alone", "root"]
    run = runner.run(any_project, "downgrade", "--target", "base", *KEPT, APP_URL=url)
    assert (run.code, recorded(database)) == (0, []), run.stderr
    again = runner.run(any_project, "upgrade", *KEPT, APP_URL=url)
    assert (told(again), again.result.warnings) == ((0, "UpToDate"), ()), "the history itself is no table to adopt"


@pytest.mark.parametrize(("target", "means"), [("merged", 5), ("left,alone", 3), ("base", 0)])
def test_a_stamp_makes_the_history_say_what_the_version_table_says(
    any_project: Project, runner: Runner, database: Database, target: str, means: int
) -> None:
    branched(any_project)
    url = database.url(any_project.driver)
    runner.run(any_project, "upgrade", "--target", "right", *KEPT, APP_URL=url)
    run = runner.run(any_project, "stamp", "--target", target, *KEPT, APP_URL=url)
    assert (run.code, len(recorded(database))) == (0, means), run.stderr
    assert not database.value("select to_regclass('left_table')")


def test_what_a_failed_revision_did_is_not_recorded(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").revision("two", 'op.execute("select 1/0")')
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url(any_project.driver))
    assert (told(run), database.heads()) == ((70, "RevisionFailed"), ["one"]), run.stderr
    assert recorded(database) == ["one"]


def test_one_transaction_of_env_py_around_all_revisions_holds_the_history_too(
    any_project: Project, runner: Runner, database: Database
) -> None:
    before = "connection.begin(); connection.execute(text('create schema if not exists aside'))"
    any_project.begin(before=before, arguments=", version_table_schema='aside'")
    any_project.table("one").revision("two", 'op.execute("select 1/0")')
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url(any_project.driver))
    assert told(run) == (70, "RevisionFailed"), run.stderr
    assert not has_history(database)


def test_a_kill_between_an_autocommit_statement_and_the_version_row_leaves_neither_row(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", HALF_DONE)
    with holding_up(database):
        process = runner.start(project, "upgrade", *KEPT, APP_URL=database.url(project.driver))
        until(lambda: held_up(database))
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait()
    assert database.value("select to_regclass('half')::text") == "half"
    assert (database.heads(), recorded(database)) == (["one"], ["one"])
    run = runner.run(project, "upgrade", *KEPT, APP_URL=database.url(project.driver))
    assert (database.heads(), recorded(database)) == (["two"], ["one", "two"]), run.stderr


HALF_DONE = """
with op.get_context().autocommit_block():
    op.execute("create table if not exists half (id int)")
op.execute("select set_config('client_connection_check_interval', '0', false)")
op.execute("select pg_advisory_lock(4711)")
op.execute("select pg_advisory_unlock(4711)")
"""


def test_two_runners_at_once_record_each_revision_once(
    any_project: Project, runner: Runner, database: Database
) -> None:
    branched(any_project)
    url = database.url(any_project.driver)
    started = [runner.start(any_project, "upgrade", *KEPT, APP_URL=url) for _ in range(2)]
    runs = [one.finish() for one in started]
    assert [told(run) for run in runs] == [(0, "UpToDate")] * 2, runs[0].stderr + runs[1].stderr
    assert recorded(database) == ["alone", "left", "merged", "right", "root"]
    assert database.value(f"select count(*) from {TABLE} where applied_at is null") == 0


def test_two_version_tables_of_one_schema_share_the_table_and_not_the_rows(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    odd = 'of "b" 100%\'s'
    projects = [
        Project(tmp_path / "a", "psycopg2").begin(arguments=", version_table='of_a'").table("one"),
        Project(tmp_path / "b", "asyncpg").begin(arguments=f", version_table={odd!r}").revision("one").revision("b2"),
    ]
    started = [runner.start(one, "upgrade", *KEPT, APP_URL=database.url(one.driver)) for one in projects]
    runs = [one.finish() for one in started]
    assert [told(run) for run in runs] == [(0, "UpToDate")] * 2, runs[0].stderr + runs[1].stderr
    assert (recorded(database, "of_a"), recorded(database, odd)) == (["one"], ["b2", "one"])
    run = runner.run(projects[1], "downgrade", "--target", "base", *KEPT, APP_URL=database.url("asyncpg"))
    assert (run.code, recorded(database, "of_a"), recorded(database, odd)) == (0, ["one"], []), run.stderr


def test_nothing_is_made_in_a_database_that_is_ahead(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('future')")
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    assert (told(run), has_history(database)) == ((0, "DatabaseAhead"), False), run.stderr
    (warning,) = run.result.warnings
    assert "future" in warning
    assert "assumed" in warning


def test_every_database_of_one_env_py_has_a_history_of_its_own(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path
) -> None:
    other = replace(database, name=f"{database.name}_b")
    postgresql.rows(f"create database {other.name}")
    try:
        project = Project(tmp_path / "project", "psycopg2").begin().revision("one").revision("two")
        env = project.folder / "migrations" / "env.py"
        env.write_text(env.read_text().replace("\nrun_migrations_online()", TWICE))
        run = runner.run(project, "upgrade", *KEPT, FIRST=database.url("psycopg2"), SECOND=other.url("psycopg2"))
        assert told(run) == (0, "UpToDate"), run.stderr
        assert (recorded(database), recorded(other)) == (["one", "two"], ["one", "two"])
    finally:
        postgresql.rows(f"drop database {other.name} with (force)")


TWICE = """
for name in ("FIRST", "SECOND"):
    os.environ["APP_URL"] = os.environ[name]
    run_migrations_online()
"""
