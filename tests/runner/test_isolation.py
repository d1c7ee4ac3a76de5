"""Transactions and locks that env.py takes itself, and connections that have none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from alembic_operator.runner.database.versions import LOCK_CLASS_B

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

ENGINE = ("poolclass=pool.NullPool", 'poolclass=pool.NullPool, isolation_level="AUTOCOMMIT"')
OPTIONS = (
    "connectable.connect() as connection",
    'connectable.connect().execution_options(isolation_level="AUTOCOMMIT") as connection',
)


def edited(project: Project, old: str, new: str) -> Project:
    path = project.folder / "migrations" / "env.py"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return project


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


@pytest.mark.every_driver
def test_a_connection_in_autocommit_works_and_is_warned_of(
    project: Project, runner: Runner, database: Database
) -> None:
    edited(project.begin().table("one").table("two"), *ENGINE)
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["two"]), run.stderr
    (warning,) = run.result.warnings
    assert "AUTOCOMMIT" in warning
    assert len(run.said("autocommit")) == 1


def test_options_of_the_connection_may_say_autocommit(any_project: Project, runner: Runner, database: Database) -> None:
    edited(any_project.begin().table("one"), *OPTIONS)
    any_project.revision(
        "two", 'with op.get_context().autocommit_block():\n    op.execute("create table two (id int)")'
    )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (told(run), database.heads(), len(run.result.warnings)) == ((0, "UpToDate"), ["two"], 1), run.stderr


def test_a_failure_in_autocommit_says_what_is_committed(project: Project, runner: Runner, database: Database) -> None:
    edited(project.begin(), *ENGINE)
    project.revision("one", 'op.execute("create table half (id int)")\nop.execute("select 1 / 0")')
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((70, "PartlyApplied"), []), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("create table half (id int)",)
    assert any("AUTOCOMMIT" in one for one in run.result.warnings)


def test_a_connection_with_transactions_is_not_warned_of(project: Project, runner: Runner, database: Database) -> None:
    block = 'with op.get_context().autocommit_block():\n    op.execute("create table one (id int)")'
    project.begin().revision("one", block).table("two")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), run.result.warnings) == ((0, "UpToDate"), ()), run.stderr


LOCAL = """with context.begin_transaction():
            connection.execute(text("set local lock_timeout = '4321ms'"))
            connection.execute(text("select pg_advisory_xact_lock(42)"))
"""

SEEN = (
    """op.execute("create table {name} as select current_setting('lock_timeout') as timeout, (select count(*) from"""
    """ pg_locks where locktype = 'advisory' and pid = pg_backend_pid() and classid = {key}) as keys")"""
)


def seen(table: str) -> str:
    return SEEN.format(name=table, key=LOCK_CLASS_B)


def test_what_env_py_locks_and_sets_in_its_transaction_may_go_and_the_runners_own_stays(
    project: Project, runner: Runner, database: Database
) -> None:
    begin = "with context.begin_transaction():\n"
    local = LOCAL.replace("\n            ", "\n        ") if project.driver == "asyncpg" else LOCAL
    edited(project.begin(), begin, local)
    project.revision("one", seen("one"))
    project.revision("two", f"with op.get_context().autocommit_block():\n    {seen('inside')}\n{seen('two')}")
    project.revision("three", seen("three"))
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["three"]), run.stderr
    ((timeout, keys),) = database.rows("select timeout, keys from one")
    assert (timeout in ("4321ms", "2s"), keys) == (True, 1)  # SQLAlchemy 1.4 begins no transaction by a statement
    assert database.rows("select timeout, keys from inside") == [("0", 1)]
    assert database.rows("select timeout, keys from two") == [("2s", 1)]
    assert database.rows("select timeout, keys from three") == [("2s", 1)]


@pytest.mark.parametrize("url", ["postgresql+psycopg2://shop:{}@db:5432/shop", "redis://:{}@cache:6379/0"])
def test_the_password_of_a_url_in_the_environment_is_masked_even_if_it_is_not_used(
    any_project: Project, runner: Runner, database: Database, url: str
) -> None:
    edited(any_project.begin().table("one"), "config = context.config", "print('at', os.environ['THE_URL'])")
    run = runner.run(
        any_project,
        "upgrade",
        APP_URL=database.url("psycopg2"),
        THE_URL=url.format("s3cr%23t%2Fx"),
    )
    assert told(run) == (0, "UpToDate"), run.stderr
    assert "at " in run.stderr
    assert "s3cr" not in run.everything


def test_a_password_in_the_environment_is_masked(any_project: Project, runner: Runner, database: Database) -> None:
    names = ("QUEUE_PASSWORD", "PGPASSWORD", "DATABASE_URL")
    line = f"print('it is', *map(os.environ.get, {names}))"
    edited(any_project.begin().table("one"), "config = context.config", line)
    values = ("h1dden!", "tiny", "postgresql://shop:w33@db/shop")  # what is certainly one may be short
    environment = dict(zip(names, values, strict=True))
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"), **environment)
    assert told(run) == (0, "UpToDate"), run.stderr
    assert "it is *** *** postgresql://shop:***@db/shop" in run.stderr
