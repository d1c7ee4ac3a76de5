"""pg8000 as the driver of env.py: Cloud SQL's connector has no psycopg."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

DRIVER = "pg8000"


@pytest.fixture
def cloud(tmp_path: Path) -> Project:
    return Project(tmp_path / "project", DRIVER).begin()


@pytest.mark.parametrize("address", ["env.py", "environment"])
def test_pg8000_migrates_and_looks_like_the_others(
    cloud: Project, runner: Runner, database: Database, address: str
) -> None:
    cloud.table("one").revision(
        "two", 'with op.get_context().autocommit_block():\n    op.execute("create index concurrently two on one (id)")'
    )
    url = (database if address == "env.py" else database.named("elsewhere")).url(DRIVER)
    variables = {"APP_URL": url, **(database.environment() if address == "environment" else {})}
    for command, reason, heads in (
        ("check", "Pending", []),
        ("upgrade", "UpToDate", ["two"]),
        ("gate", "UpToDate", ["two"]),
    ):
        run = runner.run(cloud, command, "--database", address, **variables)
        assert (run.code, run.result.reason, database.heads()) == (0, reason, heads), run.stderr
    assert run.result.driver.startswith(DRIVER)


def test_a_lock_that_is_held_is_waited_for_and_its_holder_named(
    cloud: Project, runner: Runner, database: Database
) -> None:
    runner.run(cloud.table("one"), "upgrade", APP_URL=database.url(DRIVER))
    cloud.revision("two", 'op.execute("alter table one add column note text")')
    with database.connect(application_name="the other", autocommit=False) as other:
        other.execute("lock table one")
        process = runner.start(cloud, "upgrade", "--lock-timeout", "1s", APP_URL=database.url(DRIVER))
        until(lambda: process.said("retrying"), 40, "a retry")
    run = process.finish()
    assert (run.code, run.result.reason, database.heads()) == (0, "UpToDate", ["two"]), run.stderr
    assert "the other" in run.said("retrying")[0]["message"]


def test_errors_have_their_sqlstate_and_no_values_of_rows(cloud: Project, runner: Runner, database: Database) -> None:
    cloud.revision("one", 'op.execute("create table t (id int primary key)")')
    cloud.revision("two", 'op.execute("insert into t values (4711)")\nop.execute("insert into t values (4711)")')
    run = runner.run(cloud, "upgrade", APP_URL=database.url(DRIVER))
    assert (run.code, run.result.reason, database.heads()) == (70, "RevisionFailed", ["one"]), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.revision) == ("23505", "two")
    assert run.result.error.message.startswith("duplicate key value violates unique constraint")
    assert "4711" not in run.everything.replace("insert into t values (4711)", "")


def test_a_statement_longer_than_connecting_may_take_runs_to_its_end(
    cloud: Project, runner: Runner, database: Database
) -> None:
    cloud.revision("one", 'op.execute("select pg_sleep(11)")')
    run = runner.run(cloud, "upgrade", APP_URL=database.url(DRIVER))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr


def test_a_wrong_password_and_a_server_that_is_away_are_what_they_are(
    cloud: Project, runner: Runner, database: Database
) -> None:
    cloud.table("one")
    run = runner.run(cloud, "upgrade", APP_URL=database.url(DRIVER).replace("@127", "wrong@127"))
    assert (run.code, run.result.reason) == (77, "AuthenticationFailed"), run.stderr
    run = runner.run(cloud, "check", APP_URL=database.url(DRIVER).replace(f":{database.port}/", ":1/"))
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr


def test_sigterm_cancels_its_statement(cloud: Project, runner: Runner, database: Database) -> None:
    cloud.revision("one", 'op.execute("select pg_sleep(60)")')
    process = runner.start(cloud, "upgrade", APP_URL=database.url(DRIVER))
    active = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)' and state = 'active'"
    until(lambda: database.value(active), 40, "the statement")
    process.popen.send_signal(signal.SIGTERM)
    run = process.finish()
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
    assert database.value(active) == 0
