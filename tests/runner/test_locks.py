"""Two runners, orphans, and CREATE INDEX CONCURRENTLY beside a waiting runner."""

from __future__ import annotations

import os
import re
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from alembic_operator.contract import LOCK_CLASS_A
from alembic_operator.runner.database import direct
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.database.locks import Lock
from alembic_operator.runner.database.versions import VersionTable
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

ROUNDS = int(os.environ.get("ROUNDS", "2"))
"""`make soak` asks for more."""


def test_two_runners_at_once_apply_a_data_migration_once(project: Project, runner: Runner, database: Database) -> None:
    project.begin(arguments=', version_table=__import__("os").environ["NAME"]').revision("one", DOUBLED)
    for number in range(ROUNDS):
        name = f"account_{number}"
        database.rows(f"create table {name}_balance as select 100 as balance")
        environment = {"APP_URL": database.url(project.driver), "NAME": name}
        with _blocking(database):
            both = [runner.start(project, "upgrade", **environment) for _ in range(2)]
            until(lambda: _blocked(database), what=f"one of them runs in round {number}")
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
    any_project.begin().revision("one", BLOCKED)
    with _blocking(database):
        first = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: _blocked(database))
        second = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: second.said("waiting for lock"))
        time.sleep(1)  # time enough to say it again
    first.finish()
    (said,) = second.finish().said("waiting for lock")
    assert re.search(r": pod \S+ \(pid \d+, since 20\S+Z\)$", said["message"])


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


def test_connections_that_env_py_keeps_are_not_taken_for_orphans(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    any_project.begin().revision("one", 'op.execute("alter table busy add column name text")')
    env = any_project.folder / "migrations/env.py"
    engine = 'create_engine(os.environ["APP_URL"], poolclass=pool.NullPool)'
    kept = '__import__("sys").modules.setdefault("kept", create_engine(os.environ["APP_URL"]))'
    env.write_text(env.read_text(encoding="utf-8").replace(engine, kept), encoding="utf-8")
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy in access share mode")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url("psycopg2"))
        until(lambda: process.said("retrying"))
        (first,) = _own_backends(database)
        database.rows(f"select pg_terminate_backend({first})")
        until(lambda: _own_backends(database) - {first})
        holder.rollback()
    run = process.finish()
    assert (run.code, run.said("orphan terminated"), run.said("waiting for lock")) == (0, [], []), run.stderr


def test_a_lock_is_held_only_while_the_server_says_so(database: Database) -> None:
    where = Address(database.host, str(database.port), database.user, database.password, database.name)
    origin = direct.origin(where, "")
    assert origin
    lock = Lock(origin.open(), VersionTable("public", "alembic_version"))
    assert not lock.held()
    assert lock.take(LOCK_CLASS_A)
    assert lock.held()
    lock.own.rows("select pg_advisory_unlock_all()")
    assert not lock.held()
    assert lock.take(LOCK_CLASS_A)
    lock.own.close()
    assert not lock.held()


def _own_backends(database: Database) -> set[int]:
    rows = database.rows(
        "select pid from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return {int(pid) for (pid,) in rows}


def test_the_deadline_ends_the_waiting_and_the_result_names_the_holder(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(90)")')
    environment = {"APP_URL": database.url("psycopg2")}
    first = runner.start(any_project, "upgrade", HOSTNAME="users-5d8f7c9b6-x2x4z", **environment)
    until(lambda: first.said("revision started"))
    run = runner.run(any_project, "upgrade", "--deadline", deadline, **environment)
    assert (run.code, run.result.reason) == (75, "WaitingForLock"), run.stderr
    assert run.result.error
    assert "held by pod users-5d8f7c9b6-x2x4z (pid " in run.result.error.message
    assert re.search(r"pg_terminate_backend\(\d+\)", run.result.error.hint)


def test_an_orphan_that_goes_on_is_ended_after_a_bounded_time(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", BLOCKED)
    environment = {"APP_URL": database.url("psycopg2")}
    with _blocking(database):
        first = runner.start(any_project, "upgrade", HOSTNAME="the-first", **environment)
        until(lambda: _blocked(database), what="the statement runs")
        first.popen.kill()
        second = runner.start(any_project, "upgrade", HOSTNAME="the-second", **environment)
        (said,) = until(lambda: second.said("orphan terminated"), 60)
        assert "pod the-first (pid" in said["message"]
        until(lambda: second.said("revision started"))
        until(lambda: _blocked(database), what="the second one runs the statement")
    run = second.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_who_may_not_end_an_orphan_says_who_must_be_ended_and_waits(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", BLOCKED)
    with _blocking(database), _users(database, "first", "second") as (one, two):
        first = runner.start(any_project, "upgrade", APP_URL=one.url("psycopg2"))
        until(lambda: _blocked(database), what="the statement runs")
        first.popen.kill()
        second = runner.start(any_project, "upgrade", APP_URL=two.url("psycopg2"))
        (said,) = until(lambda: second.said("orphan stays"), 60)
        (pid,) = re.findall(r"an administrator can: SELECT pg_terminate_backend\((\d+)\)$", said["message"])
        assert not second.said("revision started")
        database.rows(f"select pg_terminate_backend({pid})")
        until(lambda: second.said("revision started"))
        second.popen.kill()
        database.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{two.user}'")


@contextmanager
def _users(database: Database, *names: str) -> Iterator[list[Database]]:
    users = [f"{name}_{database.name}" for name in names]
    for user in users:
        database.rows(f"create role {user} login password 'secret'; grant create on schema public to {user}")
        database.rows(f"alter default privileges for role {user} in schema public grant all on tables to public")
    yield [replace(database, user=user, password="secret") for user in users]
    database.rows(f"drop owned by {', '.join(users)} cascade; drop role {', '.join(users)}")


def test_a_runner_without_its_lock_is_an_orphan_and_ended_soon_when_it_is_idle(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", 'import os, time\nop.execute("select 1")\ntime.sleep(int(os.environ["SLEEP"]))')
    environment = {"APP_URL": database.url(project.driver)}
    first = runner.start(project, "upgrade", SLEEP="90", **environment)
    until(lambda: _idle_in_transaction(database), what="the first one thinks within its transaction")
    (lock,) = _own_backends(database)
    database.rows(f"select pg_terminate_backend({lock})")
    second = runner.start(project, "upgrade", SLEEP="0", **environment)
    (waits,) = until(lambda: second.said("waiting for lock"))
    run = second.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    (ended,) = run.said("orphan terminated")
    assert _seconds(waits, ended) < 20
    first.popen.kill()


def _seconds(first: dict[str, str], second: dict[str, str]) -> float:
    one, two = (datetime.fromisoformat(event["time"]) for event in (first, second))
    return (two - one).total_seconds()


def _idle_in_transaction(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_stat_activity where state = 'idle in transaction'"
            " and application_name like 'alembic-operator/%' and query = 'select 1' and datname = current_database()"
        )
    )


def test_a_runner_without_its_lock_lets_no_further_connection_migrate(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", TWO_CONNECTIONS.format(key=LOCK_CLASS_A))
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr
    assert run.result.error
    assert "lost the connection that holds the lock" in run.result.error.message
    assert database.value("select to_regclass('beside')") is None


TWO_CONNECTIONS = """
bind = op.get_bind()
bind.execute(sa.text(
    "select pg_terminate_backend(pid) from pg_locks where locktype = 'advisory' and classid = {key}"
    " and database = (select oid from pg_database where datname = current_database())"
))
with sa.create_engine(bind.engine.url, isolation_level="AUTOCOMMIT").connect() as other:
    other.execute(sa.text("create table beside (id int)"))
"""


def test_sigterm_cancels_the_sessions_of_a_user_that_becomes_another_role_when_it_logs_in(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(61)")')
    sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(61)' and state = 'active'"
    with _users(database, "login", "owner") as (login, owner):
        database.rows(f"grant {owner.user} to {login.user}; alter role {login.user} set role = {owner.user}")
        process = runner.start(any_project, "upgrade", APP_URL=login.url("psycopg2"))
        until(lambda: database.value(sleeping), what="the statement runs")
        process.popen.send_signal(signal.SIGTERM)
        run = process.finish(20)
        assert run.result.reason == "Interrupted", run.stderr
        assert not database.value(sleeping)
