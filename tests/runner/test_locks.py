"""Two runners: one works and the other one waits, in every order."""

from __future__ import annotations

import re
import signal
import time
from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.database.versions import LOCK_CLASS_A, VersionTable
from tests.runner.rivals import HELD_UP, held_up, holding_up, lock_holders, users
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


ROUNDS = 4


def test_two_runners_at_once_apply_a_data_migration_once(
    any_project: Project, runner: Runner, database: Database
) -> None:
    project = any_project.begin(arguments=', version_table=__import__("os").environ["NAME"]').revision("one", DOUBLED)
    for number in range(ROUNDS):
        name = f"account_{number}"
        database.rows(f"create table {name}_balance as select 100 as balance")
        environment = {"APP_URL": database.url(project.driver), "NAME": name}
        with holding_up(database):
            both = [runner.start(project, "upgrade", **environment) for _ in range(2)]
            until(lambda: held_up(database), what=f"one of them runs in round {number}")
            until(lambda: any(one.said("waiting for lock") for one in runner.started[-2:]), what="the other one waits")
        runs = [process.finish() for process in both]
        assert [run.code for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
        assert database.value(f"select balance from {name}_balance") == 200
        assert sorted(len(run.result.applied) for run in runs) == [0, 1]


DOUBLED = """
import os
with op.get_context().autocommit_block():
    op.execute(f"update {os.environ['NAME']}_balance set balance = balance * 2")
    op.execute("select pg_advisory_lock(4711)")
    op.execute("select pg_advisory_unlock(4711)")
"""


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
    any_project.begin().revision("one", HELD_UP)
    with holding_up(database):
        first = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: held_up(database))
        second = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: second.said("waiting for lock"))
        time.sleep(1)  # time enough to say it again
    assert first.finish().result.lock_ms < 1000
    waited = second.finish()
    assert waited.result.lock_ms >= 1000
    (said,) = waited.said("waiting for lock")
    assert re.search(r": pod \S+ \(pid \d+, since 20\S+Z\)$", said["message"])


def test_create_index_concurrently_does_not_hang_beside_a_waiting_runner(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", HELD_UP)
    project.revision(
        "three",
        """
        with op.get_context().autocommit_block():
            op.execute("create index concurrently by_id on one (id)")
        """,
    )
    with holding_up(database):
        first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: held_up(database))
        second = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: second.said("waiting for lock"))
    assert [first.finish(30).code, second.finish(30).code] == [0, 0]
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")


@pytest.mark.parametrize("own", ["version table", "schema"])
def test_projects_do_not_wait_for_each_other_in_one_database(
    any_project: Project, runner: Runner, database: Database, own: str
) -> None:
    any_project.begin(arguments=', version_table=__import__("os").environ["TABLE"]')
    any_project.revision("one", 'op.execute("select pg_sleep(" + __import__("os").environ["SLEEP"] + ")")')

    def words(name: str, seconds: str) -> tuple[list[str], dict[str, str]]:
        table, schema = (name, "public") if own == "version table" else ("alembic_version", name)
        return ["upgrade", "--schema", schema], {"APP_URL": database.url("psycopg2"), "TABLE": table, "SLEEP": seconds}

    command, environment = words("slow", "60")
    slow = runner.start(any_project, *command, **environment)
    until(lambda: slow.said("revision started"))
    command, environment = words("quick", "0")
    run = runner.run(any_project, *command, **environment)
    assert (run.code, run.said("waiting for lock")) == (0, []), run.stderr
    assert slow.popen.poll() is None


@pytest.mark.every_driver
def test_a_lost_lock_is_taken_again_before_the_next_attempt(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    project.begin().revision("one", 'op.execute("alter table busy add column name text")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy in access share mode")
        process = runner.start(project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url(project.driver))
        until(lambda: process.said("retrying"))
        (first,) = lock_holders(database)
        database.rows(f"select pg_terminate_backend({first})")
        (second,) = until(lambda: lock_holders(database) - {first})
        assert second != first
        holder.rollback()
    assert process.finish().code == 0


LONG = "longer-than-the-63-bytes-that-a-server-keeps-of-a-name-characters-long-5d8f7c9b6-x2x4z"


def test_the_deadline_ends_the_waiting_and_the_result_names_the_holder(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(90)")')
    environment = {"APP_URL": database.url("psycopg2")}
    first = runner.start(any_project, "upgrade", HOSTNAME=LONG, **environment)
    until(lambda: first.said("revision started"))
    run = runner.run(any_project, "upgrade", "--deadline", deadline, **environment)
    assert (run.code, run.result.reason) == (75, "WaitingForLock"), run.stderr
    assert run.result.error
    assert "-characters-long-5d8f7c9b6-x2x4z (pid " in run.result.error.message
    assert re.search(r"pg_terminate_backend\(\d+\)", run.result.error.hint)


def test_sigterm_cancels_the_sessions_of_a_user_that_becomes_another_role_when_it_logs_in(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(61)")')
    sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(61)' and state = 'active'"
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"grant {owner.user} to {login.user}; alter role {login.user} set role = {owner.user}")
        process = runner.start(any_project, "upgrade", APP_URL=login.url("psycopg2"))
        until(lambda: database.value(sleeping), what="the statement runs")
        process.popen.send_signal(signal.SIGTERM)
        run = process.finish(20)
        assert run.result.reason == "Interrupted", run.stderr
        assert not database.value(sleeping)
