"""SIGTERM while Python starts: before there is a handler, while modules are imported, before there is a connection."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner.privileges import require
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database

MOMENTS = 20
SECONDS = 15.0
"""Less than a statement of a minute, and more than the eight seconds after which a run gives up."""
SLOW = 'op.execute("create table half (id int)")\nop.execute("select pg_sleep(60)")'


@pytest.fixture
def slow(any_project: Project) -> Project:
    return any_project.begin().revision("one", SLOW)


def _pid(process: Process) -> int:
    """Return the number of the runner itself, also when something else has started it in a namespace."""
    children = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children")
    found = children.read_text(encoding="ascii").split()
    return int(found[0]) if found else 0


def _hears(pid: int) -> bool:
    """Tell whether SIGTERM is kept for it: blocked, or with a handler."""
    fields = dict(line.split(":\t") for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":\t" in line)
    masks = int(fields["SigBlk"], 16) | int(fields["SigCgt"], 16)
    return bool(masks >> (signal.SIGTERM - 1) & 1)


def _length_of_start(process: Process) -> float:
    begun = time.monotonic()
    until(lambda: process.said("revision started"), what="no revision is started")
    return time.monotonic() - begun


def _code(process: Process) -> int:
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.popen.wait(SECONDS)
    raise AssertionError(f"it has not ended:\n{process.log()}")


def test_sigterm_at_any_moment_of_the_start_of_process_1_applies_nothing(
    slow: Project, runner: Runner, database: Database
) -> None:
    require("being process 1", "unshare")
    runner.within = ("unshare", "--pid", "--fork", "--kill-child")

    def begin() -> Process:
        process = runner.start(slow, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: (pid := _pid(process)) and _hears(pid) and "python" in Path(f"/proc/{pid}/exe").readlink().name)
        return process

    first = begin()
    whole = _length_of_start(first)
    os.kill(_pid(first), signal.SIGTERM)
    assert _code(first) == 143
    for moment in range(MOMENTS):
        process = begin()
        time.sleep(whole * moment / MOMENTS)
        os.kill(_pid(process), signal.SIGTERM)
        assert _code(process) == 143, process.log()
        assert process.finish().result.reason == "Interrupted"
    assert (database.heads(), database.value("select to_regclass('half')")) == ([], None)


def test_sigterm_at_any_moment_of_the_start_of_another_process_applies_nothing(
    slow: Project, runner: Runner, database: Database
) -> None:
    first = runner.start(slow, "upgrade", APP_URL=database.url("psycopg2"))
    whole = _length_of_start(first)
    first.popen.send_signal(signal.SIGTERM)
    assert _code(first) == 143
    for moment in range(MOMENTS):
        process = runner.start(slow, "upgrade", APP_URL=database.url("psycopg2"))
        time.sleep(whole * moment / MOMENTS)
        process.popen.send_signal(signal.SIGTERM)
        assert _code(process) in (143, -signal.SIGTERM), process.log()
    assert (database.heads(), database.value("select to_regclass('half')")) == ([], None)


SLOW_MODULE = """
import importlib.machinery
import os
import pathlib
import sys
import time

pathlib.Path(os.environ["REACHED"]).touch()
time.sleep(1)
real = importlib.machinery.PathFinder.find_spec("argparse", [os.path.dirname(os.__file__)])
real.loader.exec_module(sys.modules[__name__])
"""


def test_sigterm_is_kept_while_process_1_still_imports_its_own_modules(
    slow: Project, runner: Runner, database: Database, tmp_path: Path
) -> None:
    require("being process 1", "unshare")
    runner.within = ("unshare", "--pid", "--fork", "--kill-child")
    slow.write("shadow/argparse.py", SLOW_MODULE)
    reached, shadow = tmp_path / "reached", str(slow.folder / "shadow")
    url = database.url("psycopg2")
    process = runner.start(slow, "upgrade", APP_URL=url, PYTHONPATH=shadow, REACHED=str(reached))
    until(reached.exists)
    os.kill(_pid(process), signal.SIGTERM)
    assert _code(process) == 143, process.log()
    assert database.heads() == []
