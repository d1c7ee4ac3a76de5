"""The runner in images with old and new Pythons, Alembics, SQLAlchemys and drivers."""

from __future__ import annotations

import signal
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner.environments import MATRIX, Environment, cells
from tests.runner.project import Project, Runner
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runner.server import Database

CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.execute("create index concurrently by_id on left_table (id)")
"""


@pytest.fixture(params=cells(MATRIX), ids=lambda cell: f"{cell[0].name}-{cell[1]}")
def cell(request: pytest.FixtureRequest) -> tuple[Environment, str]:
    environment, driver = request.param
    return environment, driver


@pytest.fixture
def project(cell: tuple[Environment, str], tmp_path: Path) -> Project:
    return Project(tmp_path / "project", cell[1])


@pytest.fixture
def runner(cell: tuple[Environment, str], pyz: Path, tmp_path: Path) -> Iterator[Runner]:
    (tmp_path / "scratch").mkdir()
    with closing(Runner(pyz, tmp_path / "scratch", cell[0].python)) as runner:
        yield runner


@pytest.mark.parametrize("environment", MATRIX, ids=lambda environment: environment.name)
def test_every_environment_has_the_python_that_it_wants(environment: Environment) -> None:
    if environment.replaced:
        pytest.skip(environment.replaced)
    assert environment.interpreter.minor == environment.wanted


def test_branches_and_an_index_go_from_nothing_to_the_heads_and_the_gate_opens(
    cell: tuple[Environment, str], project: Project, runner: Runner, database: Database
) -> None:
    _branched(project)

    def run(*words: str) -> Any:
        return runner.run(project, *words, APP_URL=database.url(project.driver))

    before = run("check")
    assert (before.code, before.result.reason, before.result.pending) == (0, "Pending", 6), before.stderr
    done = run("upgrade")
    assert (done.code, done.result.reason) == (0, "UpToDate"), done.stderr
    assert len(done.result.applied) == 6
    assert database.heads() == ["alone", "indexed"]
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")
    pins = cell[0].pins
    wheel = "psycopg2-binary" if project.driver == "psycopg2" else project.driver
    assert (done.result.alembic, done.result.sqlalchemy) == (pins["alembic"], pins["SQLAlchemy"])
    assert done.result.driver == f"{project.driver} {pins[wheel]}"
    again = run("upgrade")
    assert (again.code, again.result.applied, again.result.to) == (0, (), ("alone", "indexed")), again.stderr
    assert [run(command).result.reason for command in ("check", "gate")] == ["UpToDate"] * 2


def _branched(project: Project) -> None:
    """Write root <- left, right (which depends on left); both <- merged <- indexed; and a base of its own."""
    project.begin().table("root")
    project.revision("left", 'op.execute("create table left_table (id int)")', branch_labels=("west",))
    project.revision(
        "right", 'op.execute("alter table left_table add column name text")', down="root", depends_on="left"
    )
    project.revision("merged", down=("left", "right"))
    project.revision("indexed", CONCURRENTLY)
    project.revision("alone", 'op.execute("create table alone (id int)")', down=None)


def test_a_failing_revision_is_told_and_the_one_before_stays(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", 'op.execute("insert into nowhere values (4711)")')
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason, database.heads()) == (70, "RevisionFailed", ["one"]), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.revision) == ("42P01", "two")
    assert run.result.error.statement == "insert into nowhere values (?)"


def test_two_at_once_apply_a_data_migration_once(project: Project, runner: Runner, database: Database) -> None:
    database.rows("create table account as select 100 as balance")
    project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("update account set balance = balance * 2")
            op.execute("select pg_sleep(0.5)")
        """,
    )
    both = [runner.start(project, "upgrade", APP_URL=database.url(project.driver)) for _ in range(2)]
    runs = [process.finish() for process in both]
    assert [run.code for run in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert database.value("select balance from account") == 200


def test_sigterm_cancels_the_running_statement(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision("one", 'op.execute("select pg_sleep(300)")')
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    until(lambda: _sleeps(database), what="the statement runs")
    process.popen.send_signal(signal.SIGTERM)
    run = process.finish()
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
    assert not _sleeps(database)


def _sleeps(database: Database) -> bool:
    sql = "select count(*) from pg_stat_activity where query like 'select pg_sleep(300)%' and state = 'active'"
    return bool(database.value(f"{sql} and datname = current_database()"))


def test_a_schema_that_env_py_chooses_too_is_migrated_in_the_given_database(
    project: Project, runner: Runner, database: Database
) -> None:
    """The connection is redirected, and what env.py runs before context.configure() does not undo the rest."""
    chosen = ("create schema if not exists shop", "set search_path to shop")
    project.begin(before="; ".join(f'connection.execute(text("{sql}"))' for sql in chosen)).table("one")
    elsewhere = f"postgresql+{project.driver}://nobody:nothing@192.0.2.1:1/nowhere"
    environment = {**database.environment(), "APP_URL": elsewhere}
    words = ("--database", "environment", "--schema", "shop")
    run = runner.run(project, "upgrade", *words, **environment)
    assert (run.code, run.result.to) == (0, ("one",)), run.stderr
    assert database.value("select version_num from shop.alembic_version") == "one"
    assert database.value("select count(*) from shop.one") == 0
    assert runner.run(project, "check", *words, **environment).code == 0
