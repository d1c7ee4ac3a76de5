"""Applications that patch threads and sockets (gevent, eventlet), in env.py or before the runner starts."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

GEVENT = "from gevent import monkey; monkey.patch_all()\n"
EVENTLET = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
"""
PATCHES = {"gevent": GEVENT, "eventlet": EVENTLET}
SLEEPS = "select count(*) from pg_stat_activity where query like 'select pg_sleep(300)%' and state = 'active'"


@pytest.mark.parametrize("library", PATCHES)
@pytest.mark.parametrize("place", ["env.py", "sitecustomize.py"])
def test_patched_threads_change_neither_the_result_nor_the_log(
    driver: str, library: str, place: str, runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", driver).begin().table("one")
    environment = {"APP_URL": database.url(driver)}
    if place == "env.py":
        env = project.folder / "migrations" / place
        env.write_text(PATCHES[library] + env.read_text(encoding="utf-8"), encoding="utf-8")
    else:
        project.write(f"site/{place}", PATCHES[library])
        environment["PYTHONPATH"] = str(project.folder / "site")
    for command, reason in {"check": "Pending", "upgrade": "UpToDate", "gate": "UpToDate"}.items():
        _is_clean(runner.run(project, command, **environment), 0, reason)
    project.revision("two", 'op.execute("select pg_sleep(300)")')
    process = runner.start(project, "upgrade", **environment)
    until(lambda: database.value(f"{SLEEPS} and datname = current_database()"), what="the statement runs")
    process.popen.send_signal(signal.SIGTERM)
    _is_clean(process.finish(), 143, "Interrupted")
    assert database.heads() == ["one"]


def _is_clean(run: Run, code: int, reason: str) -> None:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert len(run.stderr.splitlines()) == len(run.events), run.stderr
