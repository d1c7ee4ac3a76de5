"""SIGTERM, wherever the run is."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner.privileges import require
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Process, Project, Run, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.every_driver

SECONDS = 6.0


def _stop(process: Process) -> Run:
    begun = time.monotonic()
    process.popen.send_signal(signal.SIGTERM)
    run = process.finish()
    assert time.monotonic() - begun < SECONDS, run.stderr
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
    return run


def _running(database: Database, text: str) -> bool:
    return bool(
        database.value(
            f"select count(*) from pg_stat_activity where query like '%{text}%' "
            "and state = 'active' and pid <> pg_backend_pid() and datname = current_database()"
        )
    )


def test_sigterm_cancels_the_running_statement_and_rolls_back(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision(
        "two", 'op.execute("create table half (id int)")\nop.execute("select pg_sleep(61)")'
    )
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: _running(database, "pg_sleep(61)"))
    run = _stop(process)
    assert not _running(database, "pg_sleep(61)")
    assert (database.heads(), run.result.to, run.result.pending) == (["one"], ("one",), 1)
    assert database.value("select to_regclass('half')") is None
    assert run.result.error
    assert run.result.error.revision == "two"


def test_what_was_running_is_told_also_where_that_takes_its_time(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        """
        import time

        class Slow(Exception):
            seconds = 1.5  # longer than until the nudge

            def __str__(self):
                Slow.seconds, seconds = 0, Slow.seconds
                time.sleep(seconds)
                return "slow"

        try:
            op.execute("select pg_sleep(66)")
        except Exception:
            raise Slow()
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: _running(database, "pg_sleep(66)"))
    run = _stop(process)
    assert run.result.error
    assert (run.result.error.revision, run.result.pending) == ("one", 1), run.stderr


def test_sigterm_ends_a_revision_that_is_busy_in_python(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision("one", "import time\nwhile True: time.sleep(30)")
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: process.said("revision started"))
    _stop(process)
    assert database.heads() == []


def test_sigterm_between_short_statements_ends_the_run(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision("one", 'for _ in range(10 ** 6): op.execute("select pg_sleep(0.001)")')
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: process.said("revision started"))
    _stop(process)
    assert database.heads() == []


def test_sigterm_cancels_again_where_a_script_goes_on_past_sqlalchemy(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        """
        raw = op.get_bind().connection.dbapi_connection
        try:
            raw.cursor().execute("select pg_sleep(61)")
        except Exception:
            raw.rollback()
        raw.cursor().execute("select pg_sleep(62)")
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: _running(database, "pg_sleep(61)"))
    _stop(process)
    assert not _running(database, "pg_sleep(62)")


def test_no_statement_begins_after_sigterm(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            try:
                op.execute("select pg_sleep(61)")
            except sa.exc.DBAPIError:
                op.execute("create table late (id int)")
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: _running(database, "pg_sleep(61)"))
    _stop(process)
    assert database.value("select to_regclass('late')") is None


def test_sigterm_cancels_what_runs_under_another_role(project: Project, runner: Runner, database: Database) -> None:
    login, owner = f"login_{database.name}", f"owner_{database.name}"
    database.rows(f"create role {owner}; create role {login} login noinherit password 'secret' in role {owner}")
    database.rows(f"grant create on database {database.name} to {owner}")
    try:
        project.begin().revision("one", 'op.execute("select pg_sleep(64)")')
        url = f"postgresql+{project.driver}://{login}:secret@{database.host}:{database.port}/{database.name}"
        process = runner.start(project, "upgrade", "--schema", "app", "--role", owner, APP_URL=url)
        until(lambda: _running(database, "pg_sleep(64)"))
        begun = time.monotonic()
        _stop(process)
        assert time.monotonic() - begun < 1.5 or project.driver != "psycopg2"
        assert not _running(database, "pg_sleep(64)")
    finally:
        database.rows(f"drop owned by {owner} cascade; drop role {login}; drop role {owner}")


@pytest.mark.parametrize("doing", ['op.execute("select pg_sleep(65)")', "import time\ntime.sleep(65)"])
def test_sigterm_is_heard_behind_a_library_that_unblocks_it(
    any_project: Project, runner: Runner, database: Database, doing: str
) -> None:
    unblocked = "import signal\nsignal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})"  # as multiprocessing does
    any_project.begin().revision("one", f'op.execute("create table half (id int)")\n{unblocked}\n{doing}')
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: process.said("revision started") and _locks(database, "AccessExclusiveLock"))
    _stop(process)
    assert database.heads() == []


def test_child_processes_of_a_revision_hear_sigterm(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision(
        "one",
        """
        import multiprocessing, subprocess, time
        child = subprocess.Popen(["sleep", "60"])
        forked = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
        forked.start()
        for one in (child, forked):
            one.terminate()
        codes = child.wait(), forked.join() or forked.exitcode
        assert codes == (-15, -15), codes
        """,
    )
    run = runner.run(any_project, "upgrade", "--deadline", "30s", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_revision_that_swallows_everything_is_given_up(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        """
        import time
        with op.get_context().autocommit_block():
            op.execute("create table half (id int)")
            while True:
                try:
                    time.sleep(30)
                except BaseException:
                    pass
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: database.value("select to_regclass('half')"))
    process.popen.send_signal(signal.SIGTERM)
    run = process.finish(15)
    assert (run.code, run.result.reason) == (143, "Interrupted")
    assert [one["reason"] for one in run.said("ended")] == ["Interrupted"]
    assert run.result.error
    assert "cancelled and rolled back" not in run.result.error.message
    assert "revision one" in database.value("select obj_description('alembic_version'::regclass)")


def test_sigterm_ends_the_wait_for_the_lock(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().revision("one", 'op.execute("select pg_sleep(62)")')
    first = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: _running(database, "pg_sleep(62)"))
    second = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: second.said("waiting for lock"))
    _stop(second)
    assert _running(database, "pg_sleep(62)")
    _stop(first)


def test_sigterm_ends_the_gate_at_once(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    process = runner.start(any_project, "gate", APP_URL=database.url("psycopg2"))
    until(lambda: process.said("waiting"))
    _stop(process)


@pytest.mark.parametrize("doing", ['op.execute("select pg_sleep(63)")', "import time\ntime.sleep(63)"])
def test_sigterm_to_process_1_frees_the_locks_at_once(
    project: Project, runner: Runner, database: Database, doing: str
) -> None:
    project.begin().revision("one", f'op.execute("create table half (id int)")\n{doing}')
    require("being process 1", "unshare")
    runner.within = ("unshare", "--pid", "--fork", "--kill-child")
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: process.said("revision started") and _locks(database, "AccessExclusiveLock"))
    (inner,) = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text(encoding="ascii").split()
    begun = time.monotonic()
    os.kill(int(inner), signal.SIGTERM)
    until(lambda: not _locks(database, "AccessExclusiveLock"), SECONDS, "the table is free")
    until(lambda: not _locks(database, "ShareLock", "ExclusiveLock"), SECONDS, "keys A and B are free")
    run = process.finish()
    assert time.monotonic() - begun < SECONDS
    assert (run.code, run.result.reason, database.heads()) == (143, "Interrupted", []), run.stderr


def _locks(database: Database, *modes: str) -> int:
    """Count the locks of a kind on tables and on keys of the runner's."""
    return int(
        database.value(
            "select count(*) from pg_locks where locktype in ('relation', 'advisory') and mode = any"
            f" (array[{', '.join(map(repr, modes))}]) and pid <> pg_backend_pid()"
            " and database = (select oid from pg_database where datname = current_database())"
        )
    )


def test_a_frozen_runner_holds_its_locks_no_longer_than_a_run_may_take(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().revision("one", 'op.execute("create table half (id int)")\nimport time\ntime.sleep(60)')
    process = runner.start(any_project, "upgrade", "--deadline", deadline, APP_URL=database.url("psycopg2"))
    until(lambda: process.said("revision started") and _locks(database, "AccessExclusiveLock"))
    process.popen.send_signal(signal.SIGSTOP)
    modes = ("AccessExclusiveLock", "ShareLock", "ExclusiveLock")
    until(lambda: not _locks(database, *modes), 30, "the table and both keys are free")
    process.popen.kill()
