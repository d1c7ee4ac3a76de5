"""Connection poolers: refused where they lend one session to several clients, used where they do not."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.database.versions import LOCK_CLASS_A
from tests.runner.pgbouncer import pooled
from tests.runner.server import until
from tests.runner.test_fleets import ENVIRONMENT, fleet, make

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.every_driver


def _refused(run: Run) -> str:
    assert (run.code, run.result.reason) == (77, "PooledConnection"), run.stderr
    assert run.result.error
    assert "server's own address" in run.result.error.hint
    return run.result.error.message


@pytest.mark.parametrize("mode", ["transaction", "statement"])
def test_a_pool_that_shares_sessions_is_refused(
    project: Project, runner: Runner, database: Database, mode: str
) -> None:
    project.begin().table("one")
    with pooled(database, mode) as through:
        run = runner.run(project, "upgrade", APP_URL=through.url(project.driver))
    assert "pooler" in _refused(run)
    assert database.heads() == []


@pytest.mark.parametrize("settings", [{"server_round_robin": 1}, {"default_pool_size": 1}, {"default_pool_size": 2}])
def test_a_pool_in_transaction_mode_is_refused_however_it_deals_its_sessions(
    any_project: Project, runner: Runner, database: Database, settings: dict[str, int]
) -> None:
    any_project.begin().table("one")
    with pooled(database, "transaction", **settings) as through:
        with through.connect() as one, through.connect(autocommit=False) as two:  # several sessions are there already
            two.execute("select 1") if "server_round_robin" in settings else None
            one.execute("select 1")
        run = runner.run(any_project, "upgrade", APP_URL=through.url("psycopg2"))
    _refused(run)


def test_a_pool_in_transaction_mode_is_refused_while_others_use_it(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    with pooled(database, "transaction") as through, through.connect() as busy:
        process = runner.start(any_project, "upgrade", APP_URL=through.url("psycopg2"))
        while process.popen.poll() is None:
            busy.execute("select 1", prepare=False)
        _refused(process.finish())


def test_a_pool_in_session_mode_is_used(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision("one", f'op.execute("{SETTINGS}")')
    with pooled(database, "session") as through:
        run = runner.run(project, "upgrade", "--lock-timeout", "700ms", APP_URL=through.url(project.driver))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert run.said("pooler in session mode")
    ((timeout, holder),) = database.rows("select timeout, holder from seen")
    assert (timeout, holder.startswith("alembic-operator/"), holder.endswith("/own")) == ("700ms", True, True)


SETTINGS = (
    "create table seen as select current_setting('lock_timeout') as timeout, application_name as holder"
    f" from pg_locks l join pg_stat_activity a using (pid) where l.locktype = 'advisory' and classid = {LOCK_CLASS_A}"
    " and database = (select oid from pg_database where datname = current_database())"
)
"""What both kinds of sessions were set up with."""


def test_a_startup_parameter_that_a_pooler_refuses_is_reported_as_the_poolers(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    if project.driver == "asyncpg":
        project.write(
            "migrations/env.py",
            (project.folder / "migrations/env.py")
            .read_text()
            .replace("NullPool)", 'NullPool, connect_args={"server_settings": {"jit": "off"}})'),
        )
    query = "" if project.driver == "asyncpg" else "?options=-c%20jit%3Doff"
    with pooled(database, "session") as through:
        run = runner.run(project, "upgrade", APP_URL=through.url(project.driver) + query)
    assert "unsupported startup parameter" in _refused(run)


def test_a_password_that_a_pooler_refuses_is_reported_as_one(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    with pooled(database, "session") as through:
        run = runner.run(project, "upgrade", APP_URL=replace(through, password="wrong").url(project.driver))
    assert (run.code, run.result.reason) == (77, "AuthenticationFailed"), run.stderr


def test_a_pool_that_is_too_small_is_said_to_be_so(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    with pooled(database, "session", default_pool_size=2, query_wait_timeout=2) as through:
        run = runner.run(any_project, "upgrade", APP_URL=through.url("psycopg2"))
    assert (run.code, run.result.reason) == (75, "ResourcesExhausted"), run.stderr
    assert run.result.error
    assert "default_pool_size" in run.result.error.hint


@pytest.mark.parametrize(
    ("mode", "knows"), [("transaction", "env.py"), ("transaction", "role"), ("statement", "address")]
)
def test_check_only_reads_and_passes_through_any_pool_without_changing_its_sessions(
    any_project: Project, runner: Runner, database: Database, mode: str, knows: str
) -> None:
    any_project.begin().table("one").table("two")
    database.rows("create table alembic_version as select 'one'::text as version_num")
    with pooled(database, mode, default_pool_size=1) as through:
        words = {"address": ("--database", "environment"), "role": ("--role", "pg_read_all_data")}.get(knows, ())
        environment = through.environment() if knows == "address" else {"APP_URL": through.url("psycopg2")}
        run = runner.run(any_project, "check", "--lock-timeout", "77s", "--schema", "public", *words, **environment)
        settings = ("lock_timeout", "search_path", "role", "client_connection_check_interval")
        left = [through.value(f"select current_setting('{name}')") for name in settings]
    assert (run.code, run.result.reason, run.result.to) == (0, "Pending", ("one",)), run.stderr
    assert left == ["0", '"$user", public', "none", "0"]


def test_two_runners_through_a_pool_in_session_mode_apply_a_revision_once(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table account as select 100 as balance")
    any_project.begin().revision("one", DOUBLED)
    with pooled(database, "session") as through:
        both = [runner.start(any_project, "upgrade", APP_URL=through.url("psycopg2")) for _ in range(2)]
        runs = [process.finish() for process in both]
    assert [run.code for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert sorted(len(run.result.applied) for run in runs) == [0, 1]
    assert database.value("select balance from account") == 200


DOUBLED = """
with op.get_context().autocommit_block():
    op.execute("update account set balance = balance * 2")
    op.execute("select pg_sleep(2)")
"""


def test_a_killed_runner_leaves_no_lock_in_a_pool_in_session_mode(
    any_project: Project, runner: Runner, database: Database
) -> None:
    sleep = 'op.execute("select pg_sleep(" + __import__("os").environ["SLEEP"] + ")")'
    any_project.begin().revision("one", f"with op.get_context().autocommit_block():\n    {sleep}")
    with pooled(database, "session") as through:
        first = runner.start(any_project, "upgrade", APP_URL=through.url("psycopg2"), SLEEP="61")
        until(lambda: _running(database), what="the statement runs")
        first.popen.kill()
        run = runner.run(any_project, "upgrade", APP_URL=through.url("psycopg2"), SLEEP="0")
        assert not _running(database)
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_sigterm_through_a_pool_in_session_mode_cancels_the_statement(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", 'op.execute("select pg_sleep(61)")')
    with pooled(database, "session") as through:
        process = runner.start(project, "upgrade", APP_URL=through.url(project.driver))
        until(lambda: _running(database), what="the statement runs")
        process.popen.send_signal(signal.SIGTERM)
        run = process.finish(20)
        assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
        assert not _running(database)


def _running(database: Database) -> bool:
    return bool(database.value("select count(*) from pg_stat_activity where query = 'select pg_sleep(61)'"))


def test_for_many_tenants_a_pool_in_transaction_mode_is_refused_and_its_sessions_stay_as_they_were(
    any_project: Project, runner: Runner, database: Database
) -> None:
    names = [f"ws_{number}" for number in range(4)]
    make(database, *names)
    any_project.begin().table("one")
    with pooled(database, "transaction") as through:
        for where in ((), ENVIRONMENT):
            looked = fleet(runner, any_project, through, "check", *where, query="select nothing from nowhere")
            assert looked.result.reason == "ConfigInvalid", looked.stderr
        settings = "current_setting('default_transaction_read_only'), current_setting('statement_timeout')"
        with through.connect() as one, through.connect(autocommit=False) as two:
            found = {two.execute(f"select {settings}").fetchone(), one.execute(f"select {settings}").fetchone()}
        assert found == {("off", "0")}, "they are the application's, too"
        run = fleet(runner, any_project, through, names=names, maxParallel=2)
    _refused(run)
    assert run.result.tenants
    assert "a connection pooler in transaction or statement mode" in run.result.tenants.failures[0].message
    assert database.value("select count(*) from pg_tables where tablename = 'one'") == 0
