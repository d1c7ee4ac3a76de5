"""The core of a run on every other PostgreSQL that this machine has; most tests use the newest one."""

from __future__ import annotations

import signal
import uuid
from typing import TYPE_CHECKING

import pytest

from tests.runner import server
from tests.runner.rivals import HELD_UP, held_up, holding_up
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.xdist_group("servers")

OTHERS = ("16", "15", "14", "13")
"""What is supported beside the newest one: 16 from the wheel, the others from Debian's packages where they are."""
PRESENT = tuple(one for one in OTHERS if (server.programs(one) / "postgres").exists())


@pytest.mark.parametrize("version", [one for one in OTHERS if one not in PRESENT])
def test_a_supported_version_is_not_on_this_machine(version: str) -> None:
    pytest.skip(f"PostgreSQL {version} was not tried: {server.programs(version)} does not exist")


@pytest.fixture(scope="module", params=PRESENT, ids=[f"PostgreSQL {version}" for version in PRESENT])
def older(request: pytest.FixtureRequest) -> Iterator[Database]:
    with server.own(version=str(request.param)) as running:
        assert str(running.database.value("show server_version")).startswith(str(request.param))
        yield running.database


@pytest.fixture
def database(older: Database) -> Iterator[Database]:
    """Take the place of the database on the newest server."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    older.rows(f"create database {name} template template0")
    yield older.named(name)
    older.rows(f"drop database {name} with (force)")


def test_an_upgrade_with_a_schema_and_a_role(project: Project, runner: Runner, database: Database) -> None:
    owner = f"owner_{database.name}"
    database.rows(f"create role {owner}; grant create on database {database.name} to {owner}")
    project.begin().table("one").revision("two", CONCURRENTLY)
    words = ("upgrade", "--schema", "shop", "--role", owner)
    run = runner.run(project, *words, APP_URL=database.url(project.driver))
    assert (run.code, run.result.to, len(run.result.applied)) == (0, ("two",), 2), run.stderr
    assert database.heads("shop.alembic_version") == ["two"]
    assert database.value("select tableowner from pg_tables where tablename = 'one'") == owner
    assert database.value("select indisvalid from pg_index where indexrelid = 'shop.by_id'::regclass")
    assert runner.run(project, *words, APP_URL=database.url(project.driver)).result.applied == ()
    database.rows(f"drop owned by {owner} cascade; drop role {owner}")


CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.execute("create index concurrently by_id on one (id)")
"""


def test_check_and_gate_answer(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    words = ("--database", "environment")
    environment = {**database.environment(), "APP_URL": database.url("psycopg2")}
    assert runner.run(any_project, "check", *words, **environment).result.reason == "Pending"
    gate = runner.start(any_project, "gate", *words, **environment)
    until(lambda: gate.said("waiting"))
    assert runner.run(any_project, "upgrade", *words, **environment).code == 0
    assert gate.finish().code == 0


def test_an_index_is_built_concurrently_beside_a_waiting_runner(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision("two", HELD_UP).revision("three", CONCURRENTLY)
    with holding_up(database):
        first = _started(any_project, runner, database)
        until(lambda: held_up(database), what="the first one is held up")
        second = _started(any_project, runner, database)
        until(lambda: second.said("waiting for lock"))
    assert [len(one.finish().result.applied) for one in (first, second)] == [3, 0]
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")


def test_sigterm_cancels_the_statement(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").revision("two", 'op.execute("select pg_sleep(61)")')
    process = _started(any_project, runner, database)
    sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(61)' and state = 'active'"
    until(lambda: database.value(sleeping), what="the statement runs")
    process.popen.send_signal(signal.SIGTERM)
    run = process.finish()
    assert (run.code, run.result.reason, run.result.to) == (143, "Interrupted", ("one",)), run.stderr
    assert not database.value(sleeping)


def test_an_orphan_is_waited_for_and_never_runs_beside_the_next(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table account as select 100 as balance")
    any_project.begin().revision(
        "one", 'op.execute("update account set balance = balance * 2 where pg_sleep(3) is not null")'
    )
    first = _started(any_project, runner, database)
    until(lambda: first.said("revision started"))
    first.popen.kill()
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert database.value("select balance from account") == 200


def test_a_lock_timeout_is_tried_again(any_project: Project, runner: Runner, database: Database) -> None:
    database.rows("create table busy (id int)")
    any_project.begin().revision("one", 'op.execute("alter table busy add column name text")')
    with database.connect(autocommit=False) as reader:
        reader.execute("lock table busy in access share mode")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url("psycopg2"))
        until(lambda: process.said("retrying"))
        reader.rollback()
    assert (process.finish().code, database.heads()) == (0, ["one"])


def _started(project: Project, runner: Runner, database: Database) -> Process:
    return runner.start(project, "upgrade", APP_URL=database.url("psycopg2"))
