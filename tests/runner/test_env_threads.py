"""env.py that runs its migrations in a thread of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import edited
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database


GIVEN = ("--database", "environment")


NOWHERE = "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


THREAD = """
import threading
failures = []
def work():
    try:
        {run}
    except Exception as error:
        failures.append(error)
thread = threading.Thread(target=work)
thread.start()
thread.join()
"""


def _in_a_thread(project: Project, *, swallow: bool = False) -> Project:
    run = "asyncio.run(run_async_migrations())" if project.driver == "asyncpg" else "run_migrations_online()"
    again = "" if swallow else "if failures:\n    raise failures[0]\n"
    return edited(project, (f"\n{run}\n", THREAD.format(run=run) + again))


@pytest.mark.every_driver
def test_env_py_may_run_its_migrations_in_a_thread(project: Project, runner: Runner, database: Database) -> None:
    _in_a_thread(project.begin().table("one"))
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr


def test_a_failure_in_a_thread_that_nobody_raises_again_is_told(
    project: Project, runner: Runner, database: Database
) -> None:
    _in_a_thread(project.begin().table("one").revision("two", 'op.execute("select 1 / 0")'), swallow=True)
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((70, "RevisionFailed"), ["one"]), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.revision) == ("22012", "two")


@pytest.mark.parametrize("ending", ["sys.exit(1)", "raise RuntimeError('migration failed') from None", "pass"])
def test_what_env_py_makes_of_a_failure_does_not_hide_it(
    any_project: Project, runner: Runner, database: Database, ending: str
) -> None:
    caught = f"import sys\ntry:\n    run_migrations_online()\nexcept Exception:\n    {ending}\n"
    edited(any_project.begin(), ("\nrun_migrations_online()\n", f"\n{caught}"))
    any_project.revision("one", 'op.execute("select 1 / 0")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert told(run) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.message) == ("22012", "division by zero")


def test_a_wrong_database_in_a_thread_is_told(any_project: Project, runner: Runner) -> None:
    _in_a_thread(any_project.begin().table("one"), swallow=True)
    run = runner.run(any_project, "upgrade", APP_URL="sqlite://")
    assert told(run) == (64, "NotPostgreSQL"), run.stderr


def test_a_thread_of_env_py_is_stopped(project: Project, runner: Runner, database: Database) -> None:
    _in_a_thread(project.begin().revision("one", 'op.execute("select pg_sleep(60)")'))
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    sleeping = f"select 1 from pg_stat_activity where datname = '{database.name}' and query like '%pg_sleep(60)%'"
    until(lambda: database.rows(f"{sleeping} and state = 'active' and pid <> pg_backend_pid()"))
    process.popen.terminate()
    run = process.finish()
    assert (told(run), database.heads()) == ((143, "Interrupted"), []), run.stderr
