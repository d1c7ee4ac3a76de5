"""Two runners, orphans, and CREATE INDEX CONCURRENTLY beside a waiting runner."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic_operator.contract import LOCK_CLASS_A
from alembic_operator.runner.database.versions import VersionTable
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

DOUBLED = """
with op.get_context().autocommit_block():
    op.execute("update account set balance = balance * 2")
    op.execute("select pg_sleep({seconds})")
"""


def _account(database: Database) -> None:
    database.rows("create table account as select 100 as balance")


def test_two_runners_at_once_apply_a_data_migration_once(project: Project, runner: Runner, database: Database) -> None:
    _account(database)
    project.begin().revision("one", DOUBLED.format(seconds=1)).table("two")
    first, second = (runner.start(project, "upgrade", APP_URL=database.url(project.driver)) for _ in range(2))
    runs = [first.finish(), second.finish()]
    assert [run.code for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert database.value("select balance from account") == 200
    assert sorted(len(run.result.applied) for run in runs) == [0, 2]


def test_nothing_runs_while_somebody_else_holds_the_key(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    key = VersionTable("public", "alembic_version").lock_object
    with database.connect() as holder:
        holder.execute(f"select pg_advisory_lock({LOCK_CLASS_A}, {key})".encode())
        process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        (said,) = until(lambda: process.said("waiting for lock"))
        assert "another migration" in said["message"]
        assert database.heads() == []
    assert process.finish().result.from_ == ()
    assert database.heads() == ["one"]


def test_who_waits_says_once_who_holds_the_lock(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision("one", BLOCKED)
    with _blocking(database):
        first = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: _blocked(database))
        second = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: second.said("waiting for lock"))
        time.sleep(1)  # time enough to say it again
    first.finish()
    (said,) = second.finish().said("waiting for lock")
    for fact in ("alembic-operator/", "pid", "since"):
        assert fact in said["message"]


def test_create_index_concurrently_does_not_hang_beside_a_waiting_runner(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", BLOCKED)
    project.revision(
        "three",
        """
        with op.get_context().autocommit_block():
            op.execute("create index concurrently by_id on one (id)")
        """,
    )
    with _blocking(database):
        first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: _blocked(database))
        second = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: second.said("waiting for lock"))
    assert [first.finish(30).code, second.finish(30).code] == [0, 0]
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")


BLOCKED = """
with op.get_context().autocommit_block():
    op.execute("select set_config('client_connection_check_interval', '0', false)")
    op.execute("select pg_advisory_lock(4711)")
    op.execute("select pg_advisory_unlock(4711)")
"""
"""Runs until the test lets it go, and its backend does not notice that its pod is dead."""


@contextmanager
def _blocking(database: Database) -> Iterator[None]:
    with database.connect() as holder:
        holder.execute("select pg_advisory_lock(4711)")
        yield


def _blocked(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
    )


def test_after_a_killed_runner_the_next_waits_for_its_orphan(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", BLOCKED)
    with _blocking(database):
        first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: _blocked(database), what="the statement runs")
        first.popen.kill()
        first.popen.wait()
        second = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        (said,) = until(lambda: second.said("waiting for lock"))
        assert _blocked(database)
        assert "orphan" in said["message"]
        assert not second.said("revision started")
    run = second.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_killed_runner_is_noticed_by_the_server_within_seconds(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", 'op.execute("select pg_sleep(300)")')
    first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: first.said("revision started"))
    until(lambda: _backends(database) > 0)
    first.popen.kill()
    until(lambda: _backends(database) == 0, 10, "the server noticed")


def _backends(database: Database) -> int:
    return int(
        database.value(
            "select count(*) from pg_stat_activity where application_name like 'alembic-operator/%' "
            "and datname = current_database()"
        )
    )


def test_projects_with_version_tables_of_their_own_do_not_wait_for_each_other(
    any_project: Project, runner: Runner, database: Database, tmp_path_factory: object
) -> None:
    del tmp_path_factory
    any_project.begin(arguments=', version_table=__import__("os").environ["TABLE"]')
    any_project.revision("one", 'op.execute("select pg_sleep(" + __import__("os").environ["SLEEP"] + ")")')
    slow = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"), TABLE="slow", SLEEP="30")
    until(lambda: slow.said("revision started"))
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"), TABLE="quick", SLEEP="0")
    assert (run.code, run.said("waiting for lock")) == (0, [])
    assert slow.popen.poll() is None


def test_a_lost_lock_is_taken_again_before_the_next_attempt(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    project.begin().revision("one", 'op.execute("alter table busy add column name text")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy in access share mode")
        process = runner.start(project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url(project.driver))
        until(lambda: process.said("retrying"))
        (first,) = _own_backends(database)
        database.rows(f"select pg_terminate_backend({first})")
        (second,) = until(lambda: _own_backends(database) - {first})
        assert second != first
        holder.rollback()
    assert process.finish().code == 0


def _own_backends(database: Database) -> set[int]:
    rows = database.rows(
        "select pid from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return {int(pid) for (pid,) in rows}


def test_the_deadline_is_kept_while_waiting_for_the_lock(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(30)")')
    first = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: first.said("revision started"))
    run = runner.run(any_project, "upgrade", "--deadline", deadline, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded")
    assert run.result.error
    assert "held by alembic-operator/" in run.result.error.message
