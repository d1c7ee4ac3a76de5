"""Revisions that fail, wait, or do not go through one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.database.versions import LOCK_CLASS_A, VersionTable
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

BROKEN = (
    'op.execute("create table half (id int)")\nop.execute("insert into missing (name) values (\'secret value\', 42)")'
)


def test_a_failing_revision_leaves_the_database_exactly_at_the_revision_before(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").table("two").revision("three", BROKEN).table("four")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert database.heads() == ["two"]
    assert database.value("select to_regclass('half')") is None
    assert (run.result.from_, run.result.to, run.result.target) == ((), ("two",), ("four",))
    assert run.result.pending == 2
    assert [one.revision for one in run.result.applied] == ["one", "two"]


@pytest.mark.every_driver
def test_the_error_names_revision_sqlstate_and_first_line_and_masks_literals(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", BROKEN)
    error = runner.run(project, "upgrade", APP_URL=database.url(project.driver)).result.error
    assert error
    assert (error.revision, error.sqlstate) == ("one", "42P01")
    assert error.message == 'relation "missing" does not exist'
    assert error.statement == "insert into missing (name) values (?, ?)"
    assert error.hint


def test_after_a_corrected_revision_only_what_is_missing_runs(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", BROKEN)
    runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    project.last = "one"
    project.table("two")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, [one.revision for one in run.result.applied]) == (0, ["two"])


def test_a_python_error_in_a_revision_is_a_failed_revision(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", "{}['key']")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "RevisionFailed")
    assert run.result.error
    assert run.result.error.message == "KeyError: 'key'"


def test_an_object_that_exists_already_is_hinted_as_drift(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table two (id int)")
    any_project.begin().table("one").table("two")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert run.code == 70
    assert run.result.error
    assert "a change by hand" in run.result.error.hint


def test_a_table_lock_that_is_held_is_waited_for_in_short_attempts(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    project.begin().table("one").revision("two", 'op.execute("alter table busy add column name text")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy in access share mode")
        process = runner.start(project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url(project.driver))
        until(lambda: len(process.said("retrying")) >= 2, what="two attempts")
        assert database.heads() == ["one"]
        holder.rollback()
    run = process.finish()
    assert (run.code, run.result.to) == (0, ("two",)), run.stderr
    assert [one.revision for one in run.result.applied] == ["one", "two"]


def test_the_deadline_ends_the_attempts_and_says_what_was_in_the_way(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    database.rows("create table busy (id int)")
    any_project.begin().revision("one", 'op.execute("alter table busy add column name text")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy in access share mode")
        words = ("upgrade", "--lock-timeout", "100ms", "--deadline", deadline)
        run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    assert run.said("retrying")
    assert database.heads() == []


def test_the_deadline_cancels_a_long_statement_also_behind_a_wait_for_the_lock(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().table("one").revision("two", 'op.execute("select pg_sleep(60)")')
    key = VersionTable("public", "alembic_version").lock_object
    with database.connect() as holder:
        holder.execute(f"select pg_advisory_lock({LOCK_CLASS_A}, {key})".encode())
        process = runner.start(any_project, "upgrade", "--deadline", deadline, APP_URL=database.url("psycopg2"))
        until(lambda: process.said("waiting for lock"))
    run = process.finish()
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.to == ("one",)
    assert run.result.error
    assert run.result.error.revision == "two"


def test_a_statement_timeout_is_reported_as_one(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(60)")')
    run = runner.run(any_project, "upgrade", "--statement-timeout", "200ms", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "StatementTimeout"), run.stderr
    assert run.result.error
    assert run.result.error.sqlstate == "57014"


def test_a_deadlock_is_tried_again_and_each_revision_has_its_own_attempts(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin()
    for name, failures in (("one", 2), ("two", 3)):  # together too many for one
        database.rows(f"create sequence tries_{name}")
        any_project.revision(
            name,
            f"""
            if op.get_bind().scalar(sa.text("select nextval('tries_{name}')")) <= {failures}:
                op.execute("do $$ begin raise exception 'victim' using errcode = '40P01'; end $$")
            """,
        )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["two"]), run.stderr
    assert [one["attempt"] for one in run.said("retrying")] == [1, 2, 1, 2, 3]


def test_an_endless_deadlock_is_a_conflict_that_another_pod_may_heal(
    any_project: Project, runner: Runner, database: Database
) -> None:
    statement = "do $$ begin raise exception 'victim' using errcode = '40001'; end $$"
    any_project.begin().revision("one", f'op.execute("{statement}")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (75, "Conflict"), run.stderr


def test_an_autocommit_block_waits_longer_than_the_lock_timeout(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("create index concurrently by_id on busy (id)")
        """,
    )
    with database.connect(autocommit=False) as holder:
        holder.execute("insert into busy values (1)")
        process = runner.start(project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url(project.driver))
        until(lambda: _waiting_for_a_transaction(database), what="CREATE INDEX CONCURRENTLY waits")
        until(lambda: _waited(database) > 0.5, what="more than the lock timeout")
        holder.rollback()
    run = process.finish()
    assert run.code == 0, run.stderr
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")


def _waiting_for_a_transaction(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_stat_activity where query like '%concurrently by_id%' "
            "and wait_event_type = 'Lock' and datname = current_database()"
        )
    )


def _waited(database: Database) -> float:
    return float(
        database.value(
            "select coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0) "
            "from pg_stat_activity where query like '%concurrently by_id%' "
            "and wait_event_type = 'Lock' and datname = current_database()"
        )
    )


def test_the_lock_timeout_is_back_after_an_autocommit_block(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("create table inside as select current_setting('lock_timeout') as value")
        op.execute("create table outside as select current_setting('lock_timeout') as value")
        """,
    )
    run = runner.run(project, "upgrade", "--lock-timeout", "1500ms", APP_URL=database.url(project.driver))
    assert run.code == 0, run.stderr
    assert (database.value("select value from inside"), database.value("select value from outside")) == ("0", "1500ms")


def test_earlier_revisions_stay_when_one_with_an_autocommit_block_is_followed_by_a_failure(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    project.revision(
        "two",
        """
        with op.get_context().autocommit_block():
            op.execute("create index concurrently by_id on one (id)")
        """,
    ).revision("three", BROKEN)
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, database.heads()) == (70, ["two"])


def test_a_missing_right_is_permission_denied(any_project: Project, runner: Runner, database: Database) -> None:
    database.rows("create role weak login password 'weak'")
    try:
        database.rows("create table theirs (id int); grant create on schema public to weak")
        any_project.begin().revision("one", 'op.execute("alter table theirs add column name text")')
        url = database.url("psycopg2").replace("://owner:", "://weak:")
        url = f"postgresql+psycopg2://weak:weak@{database.host}:{database.port}/{database.name}" if url else url
        run = runner.run(any_project, "upgrade", APP_URL=url)
        assert (run.code, run.result.reason) == (77, "PermissionDenied"), run.stderr
        assert run.result.error
        assert (run.result.error.revision, run.result.error.sqlstate) == ("one", "42501")
    finally:
        database.rows("drop owned by weak; drop role weak")


def test_a_server_that_stops_in_the_middle_is_unreachable(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_terminate_backend(pg_backend_pid())")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr
    assert database.value("select true")
