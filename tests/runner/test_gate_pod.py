"""The gate as a pod starts it: process 1, any user, the archive a read-only file, nothing to write but its report."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.runner import privileges
from tests.runner.project import Project, Runner
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process
    from tests.runner.server import Database

POD = """set -e
mount --bind {report} {report}
mount -o remount,bind,ro /
if touch {folder}/written 2> /dev/null; then echo "the root file system is not read-only" >&2; exit 1; fi
exec setpriv --reuid=12345 --regid=12345 --clear-groups --no-new-privs --bounding-set=-all "$@"
"""
SOON = 5.0
"""Less than the eight seconds after which a run that hangs gives up; a pod's whole grace period is thirty."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that every user may read."""
    folder = Path(tempfile.mkdtemp(prefix="runner-pod-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def pod(pyz: Path, folder: Path) -> Iterator[Runner]:
    """A runner that is started like a pod's container."""
    privileges.require("a pod without a cluster", "mount", "setpriv", "unshare")
    archive = folder / "runner.pyz"
    shutil.copyfile(pyz, archive)
    archive.chmod(0o444)
    report = folder / "0.result"
    report.touch()
    report.chmod(0o666)
    script = POD.format(report=report, folder=folder)
    within = ("unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", script, "pod")
    runner = Runner(archive, folder, within=within)
    yield runner
    runner.close()


def _process_1(process: Process) -> int:
    """Return its number outside of its namespace, when it is the runner itself."""
    children = Path(f"/proc/{process.popen.pid}/task/{process.popen.pid}/children").read_text().split()
    return int(children[0])


def _environment(database: Database) -> dict[str, str]:
    return {"APP_URL": database.url("psycopg2"), **database.environment(), "HOME": "/nonexistent"}


@pytest.mark.parametrize("how", ["env.py", "environment"])
def test_a_gate_waits_passes_and_writes_its_result_where_nothing_else_can_be_written(
    pod: Runner, runner: Runner, folder: Path, database: Database, how: str
) -> None:
    project = Project(folder / "project", "psycopg2").begin().table("one")
    gate = pod.start(project, "gate", "--database", how, "--history", "Enabled", **_environment(database))
    until(lambda: gate.said("waiting"), what=gate.log())
    status = Path(f"/proc/{_process_1(gate)}/status").read_text()
    assert "Uid:\t12345\t12345" in status
    assert [line.split()[-1] for line in status.splitlines() if line.startswith("NSpid:")] == ["1"]
    runner.run(project, "upgrade", "--history", "Enabled", **_environment(database))
    run = gate.finish()
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("one",)), run.stderr
    assert not [path for path in folder.rglob("__pycache__") if path.stat().st_uid == 12345]


@pytest.mark.parametrize("how", ["env.py", "environment"])
def test_a_waiting_gate_that_is_process_1_ends_on_sigterm(
    pod: Runner, folder: Path, database: Database, how: str
) -> None:
    project = Project(folder / "project", "psycopg2").begin().table("one")
    gate = pod.start(project, "gate", "--database", how, **_environment(database))
    until(lambda: gate.said("waiting"), what=gate.log())
    os.kill(_process_1(gate), signal.SIGTERM)
    run = gate.finish(SOON)
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr


@pytest.mark.parametrize("how", ["env.py", "environment"])
def test_a_gate_ends_on_sigterm_also_while_a_server_does_not_answer(
    runner: Runner, any_project: Project, database: Database, how: str
) -> None:
    any_project.begin().table("one")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = str(silent.getsockname()[1])
        environment = {**database.environment(), "PGPORT": port}
        url = database.url("psycopg2").replace(f":{database.port}/", f":{port}/")
        gate = runner.start(any_project, "gate", "--database", how, APP_URL=url, **environment)
        with silent.accept()[0]:  # it has connected, and waits for an answer
            gate.popen.terminate()
            run = gate.finish(SOON)
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
