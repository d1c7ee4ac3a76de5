"""env.py files that take for granted what the program that calls Alembic would give them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runner.project import Project, edited
from tests.runner.test_behaviours import GIVEN, NOWHERE, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

REQUIRED = """connectable = config.attributes.get("connection")
    if connectable is None:
        raise Exception("no connection: start the application instead")
    with connectable as connection:
"""
OWN = """connectable = create_engine(os.environ["APP_URL"], poolclass=pool.NullPool)
    with connectable.connect() as connection:
"""
TASK = "asyncio.get_running_loop().create_task(run_async_migrations())"


def test_a_connection_without_which_env_py_fails_is_given(
    any_project: Project, runner: Runner, database: Database
) -> None:
    edited(any_project.begin().table("one"), (OWN, REQUIRED))
    run = runner.run(any_project, "upgrade", *GIVEN, **database.environment())
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr


def test_without_an_address_no_connection_is_made_up(any_project: Project, runner: Runner) -> None:
    edited(any_project.begin().table("one"), (OWN, REQUIRED))
    run = runner.run(any_project, "upgrade")
    assert told(run) == (70, "EnvFailed"), run.stderr


def test_an_event_loop_that_env_py_looks_for_is_there(tmp_path: Path, runner: Runner, database: Database) -> None:
    project = Project(tmp_path / "project", "asyncpg").begin().table("one")
    edited(project, ("asyncio.run(run_async_migrations())", TASK))
    run = runner.run(project, "upgrade", APP_URL=database.url("asyncpg"))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr


def test_env_py_may_call_into_the_event_loop_from_a_worker_thread(
    tmp_path: Path, runner: Runner, database: Database
) -> None:
    project = Project(tmp_path / "project", "asyncpg").begin().table("one")
    call = "import anyio.from_thread\nanyio.from_thread.run(run_async_migrations)"
    edited(project, ("asyncio.run(run_async_migrations())", call))
    run = runner.run(
        project, "upgrade", *GIVEN, APP_URL=NOWHERE.replace("psycopg2", "asyncpg"), **database.environment()
    )
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr


def test_an_error_of_a_revision_does_not_run_env_py_again(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="config.attributes.get('connection'); print('env.py is here')")
    any_project.revision("one", 'raise RuntimeError("no running event loop")')
    run = runner.run(any_project, "upgrade", *GIVEN, APP_URL=NOWHERE, **database.environment())
    assert (told(run), run.stderr.count("env.py is here")) == ((70, "RevisionFailed"), 1), run.stderr


def test_the_application_sees_the_command_line_of_alembic(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="import sys, __main__; print('argv', sys.argv, os.path.isfile(__main__.__file__))")
    run = runner.run(any_project.table("one"), "upgrade", APP_URL=database.url("psycopg2"))
    assert "argv ['alembic', '-c', 'alembic.ini', '-n', 'alembic', 'upgrade', 'heads'] True" in run.stderr
