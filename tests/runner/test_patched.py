"""Applications that patch threads and sockets (gevent, eventlet), in env.py or before the runner starts."""

from __future__ import annotations

import itertools
import signal
from typing import TYPE_CHECKING

import pytest

from tests.runner.environments import in_turn
from tests.runner.project import DRIVERS, Project
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


PLACES = itertools.product(("env.py", "sitecustomize.py"), PATCHES)


@pytest.mark.parametrize(("where", "driver"), in_turn(PLACES, lambda _: DRIVERS))
def test_patched_threads_change_neither_the_result_nor_the_log(
    where: tuple[str, str], driver: str, runner: Runner, database: Database, tmp_path: Path
) -> None:
    place, library = where
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
