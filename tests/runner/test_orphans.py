"""What is left of a runner that was killed, or that lost its lock: nobody migrates beside it, and it does not stay."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING

from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B, VersionTable
from tests.runner.rivals import HELD_UP, held_up, holding_up, lock_holders, users
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_after_a_killed_runner_the_next_waits_for_its_orphan(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", HELD_UP)
    with holding_up(database):
        first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: held_up(database), what="the statement runs")
        first.popen.kill()
        first.popen.wait()
        second = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        (said,) = until(lambda: second.said("waiting for lock"))
        assert held_up(database)
        assert "orphan" in said["message"]
        assert not second.said("revision started")
    run = second.finish()
    assert (run.code, database.heads(), run.said("orphan terminated")) == (0, ["one"], []), run.stderr


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


def test_a_session_that_no_runner_made_is_named_and_left_alone(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    key = VersionTable("public", "alembic_version").lock_object
    with database.connect(application_name="by hand") as holder:
        holder.execute(f"select pg_advisory_lock_shared({LOCK_CLASS_B}, {key})".encode())
        process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        (said,) = until(lambda: process.said("orphan stays"))
        assert f"by hand (pid {holder.info.backend_pid}, since " in said["message"]
        holder.execute("select 1")
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
        (first,) = lock_holders(database)
        database.rows(f"select pg_terminate_backend({first})")
        until(lambda: lock_holders(database) - {first})
        holder.rollback()
    run = process.finish()
    assert (run.code, run.said("orphan terminated"), run.said("waiting for lock")) == (0, [], []), run.stderr


def test_an_orphan_that_goes_on_is_ended_after_a_bounded_time(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", HELD_UP)
    environment = {"APP_URL": database.url("psycopg2")}
    with holding_up(database):
        first = runner.start(any_project, "upgrade", HOSTNAME="the-first", **environment)
        until(lambda: held_up(database), what="the statement runs")
        first.popen.kill()
        second = runner.start(any_project, "upgrade", HOSTNAME="the-second", **environment)
        (said,) = until(lambda: second.said("orphan terminated"), 60)
        assert "pod the-first (pid" in said["message"]
        assert _seconds(second.said("waiting for lock")[0], said) > 25, "it had its time to end by itself"
        until(lambda: second.said("revision started"))
        until(lambda: held_up(database), what="the second one runs the statement")
    run = second.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_who_may_not_end_an_orphan_says_who_must_be_ended_and_waits(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", HELD_UP)
    with holding_up(database), users(database, "first", "second") as (one, two):
        first = runner.start(any_project, "upgrade", APP_URL=one.url("psycopg2"))
        until(lambda: held_up(database), what="the statement runs")
        first.popen.kill()
        second = runner.start(any_project, "upgrade", APP_URL=two.url("psycopg2"))
        (said,) = until(lambda: second.said("orphan stays"), 60)
        (pid,) = re.findall(r"as an administrator, end it with: SELECT pg_terminate_backend\((\d+)\)$", said["message"])
        assert not second.said("revision started")
        database.rows(f"select pg_terminate_backend({pid})")
        until(lambda: second.said("revision started"))
        second.popen.kill()
        database.rows(f"select pg_terminate_backend(pid) from pg_stat_activity where usename = '{two.user}'")


def test_a_runner_without_its_lock_is_an_orphan_and_ended_soon_when_it_is_idle(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", 'import os, time\nop.execute("select 1")\ntime.sleep(int(os.environ["SLEEP"]))')
    environment = {"APP_URL": database.url(project.driver)}
    first = runner.start(project, "upgrade", SLEEP="90", **environment)
    until(lambda: _idle_in_transaction(database), what="the first one thinks within its transaction")
    (lock,) = lock_holders(database)
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
