"""How the processes of a fleet come to be, where the application or its platform has ideas of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runner.test_fleets import make
from tests.runner.test_patched import PATCHES

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

EXPORTER = """
import threading, time

LOCK = threading.Lock()


def export():
    while True:
        with LOCK:
            time.sleep(0.3)
        time.sleep(0.001)


threading.Thread(target=export, daemon=True).start()
"""
"""A thread that mostly holds a lock: a fork has the lock, and not the thread that would release it."""


USING = "import sitecustomize; assert sitecustomize.LOCK.acquire(timeout=20); sitecustomize.LOCK.release()"


def with_site(runner: Runner, project: Project, database: Database, text: str) -> Run:
    make(database, "ws_1", "ws_2")
    project.table("one").write("site/sitecustomize.py", text)
    environment = {"PYTHONPATH": str(project.folder / "site"), "APP_URL": database.url(project.driver)}
    return runner.run(project, "upgrade", "--tenants", '{"names": ["ws_1", "ws_2"]}', **environment)


def test_processes_are_new_interpreters_where_something_has_started_a_thread_before_the_runner(
    any_project: Project, runner: Runner, database: Database
) -> None:
    run = with_site(runner, any_project.begin(before=USING), database, EXPORTER)
    assert (run.code, str(run.result.tenants)) == (0, "2 of 2 tenants are up to date"), run.stderr


def test_processes_hear_of_each_other_where_the_module_select_was_patched(
    any_project: Project, runner: Runner, database: Database
) -> None:
    run = with_site(runner, any_project.begin(), database, PATCHES["eventlet"])
    assert (run.code, str(run.result.tenants)) == (0, "2 of 2 tenants are up to date"), run.stderr
