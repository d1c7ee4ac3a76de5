"""What the application registered with atexit runs at the end, and does not change what the run found."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

FLUSH = "import atexit, sys, threading, time; atexit.register(lambda: {})"


def _begun(project: Project, handler: str) -> Project:
    return project.begin(before=FLUSH.format(handler))


@pytest.mark.parametrize(("script", "code"), [("select 1", 0), ("select 1 / 0", 70)])
def test_handlers_run_once_after_the_result_is_known(
    project: Project, runner: Runner, database: Database, script: str, code: int
) -> None:
    _begun(project, "print('events', 'flushed', file=sys.stderr)").revision("one", f'op.execute("{script}")')
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.stderr.count("events flushed")) == (code, 1), run.stderr


def test_what_a_handler_prints_is_masked(any_project: Project, runner: Runner, database: Database) -> None:
    _begun(any_project, "print('sent', os.environ['APP_URL'])").table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert ("sent postgresql" in run.stderr, database.url("psycopg2") in run.everything) == (True, False)


@pytest.mark.parametrize("handler", ["1 / 0", "sys.exit(3)", "os._exit(3)", "os.close(2)"])
def test_a_handler_that_fails_changes_neither_code_nor_result(
    any_project: Project, runner: Runner, database: Database, handler: str
) -> None:
    _begun(any_project, handler).table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr


def test_a_handler_that_does_not_return_is_left(any_project: Project, runner: Runner, database: Database) -> None:
    _begun(any_project, "time.sleep(600)").table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert run.said("handlers of atexit did not return")


def test_a_pod_that_is_stopped_while_handlers_run_keeps_its_result(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _begun(any_project, "time.sleep(600)").table("one")
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: process.said("ended"))
    process.popen.terminate()
    run = process.finish()
    assert (run.code, run.result.reason, len(run.said("ended"))) == (0, "UpToDate", 1), run.stderr


def test_a_thread_that_never_ends_keeps_nobody_waiting(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _begun(any_project, "threading.Thread(target=time.sleep, args=[600]).start()").table("one")
    begun = time.monotonic()
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, time.monotonic() - begun < 30) == (0, True), run.stderr
