"""Programs are started once, found again, and nobody else's is ever stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devcluster.failure import FailureError
from devcluster.processes import Processes, Program, Running, started_at

if TYPE_CHECKING:
    from collections.abc import Iterator

SLEEP = Program("sleeper", ("sleep", "60"))


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    running = Processes(tmp_path / "pids", tmp_path / "logs")
    yield running
    for name in running.names():
        running.stop(name, grace=0)


def pid_of(processes: Processes, name: str = "sleeper") -> int:
    return int(json.loads((processes.pids / f"{name}.json").read_text())["pid"])


def test_a_program_is_started_once(processes: Processes) -> None:
    assert processes.ensure(SLEEP) is True
    pid = pid_of(processes)
    assert processes.ensure(SLEEP) is False
    assert pid_of(processes) == pid


def test_a_program_that_was_killed_is_started_again(processes: Processes) -> None:
    processes.ensure(SLEEP)
    os.kill(pid_of(processes), signal.SIGKILL)
    os.waitid(os.P_PID, pid_of(processes), os.WEXITED | os.WNOWAIT)
    assert not processes.is_running("sleeper")
    assert processes.ensure(SLEEP) is True
    assert processes.is_running("sleeper")


def test_a_program_whose_arguments_changed_is_replaced(processes: Processes) -> None:
    processes.ensure(SLEEP)
    pid = pid_of(processes)
    assert processes.ensure(Program("sleeper", ("sleep", "61"))) is True
    assert started_at(pid) is None


def test_a_program_whose_configuration_changed_is_replaced(processes: Processes, tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("a")
    program = Program("sleeper", ("sleep", "60"), inputs=(config,))
    processes.ensure(program)
    assert processes.ensure(program) is False
    config.write_text("b")
    assert processes.ensure(program) is True


def test_stopping_ends_the_program_and_forgets_it(processes: Processes) -> None:
    processes.ensure(SLEEP)
    pid = pid_of(processes)
    processes.stop("sleeper")
    assert started_at(pid) is None
    assert processes.names() == []


def test_a_program_that_does_not_listen_is_stopped_all_the_same(processes: Processes) -> None:
    deaf = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"
    processes.ensure(Program("sleeper", (sys.executable, "-c", deaf)))
    processes.until("sleeper", lambda: "deaf" in processes.tail("sleeper"))
    processes.stop("sleeper", grace=0.1)
    assert not processes.is_running("sleeper")


@pytest.fixture
def stranger() -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"]) as process:
        while not Path("/proc", str(process.pid), "cmdline").read_bytes():
            time.sleep(0.001)
        yield process.pid
        process.kill()


@pytest.mark.parametrize("difference", ["started", "argv"])
def test_a_stranger_with_the_same_pid_is_left_alone(processes: Processes, stranger: int, difference: str) -> None:
    right: dict[str, object] = {"started": started_at(stranger), "argv": ["sleep", "60"]}
    wrong = {"started": 1, "argv": ["etcd"]}[difference]
    processes.pids.mkdir()
    record = {"pid": stranger, "fingerprint": "", **right, difference: wrong}
    (processes.pids / "sleeper.json").write_text(json.dumps(record))
    assert not processes.is_running("sleeper")
    processes.stop("sleeper")
    assert started_at(stranger) == right["started"]


def test_a_process_is_known_by_start_time_and_command_line(stranger: int) -> None:
    assert Running(stranger, started_at(stranger) or 0, ("sleep", "60"), "").is_alive()


def test_a_record_that_was_cut_short_counts_as_none(processes: Processes) -> None:
    processes.pids.mkdir()
    (processes.pids / "sleeper.json").write_text('{"pid": 1')
    assert not processes.is_running("sleeper")
    assert processes.ensure(SLEEP) is True


def test_a_start_that_fails_shows_the_end_of_the_log(processes: Processes) -> None:
    processes.ensure(Program("broken", ("sh", "-c", "echo no such disk >&2; exit 3")))
    with pytest.raises(FailureError, match="broken ended") as failure:
        processes.until("broken", lambda: False)
    assert "no such disk" in str(failure.value)
    assert str(processes.log("broken")) in str(failure.value)


def test_a_start_that_fails_for_want_of_another_program_shows_that_ones_log(processes: Processes) -> None:
    processes.ensure(SLEEP)
    processes.ensure(Program("store", ("sh", "-c", "echo address in use")))
    with pytest.raises(FailureError, match=r"store ended\n.*\naddress in use"):
        processes.until("sleeper", lambda: False, needs=("store",))


def test_waiting_ends_at_the_deadline(processes: Processes) -> None:
    processes.ensure(SLEEP)
    begun = time.monotonic()
    with pytest.raises(FailureError, match="not ready after 0 s"):
        processes.until("sleeper", lambda: False, seconds=0.2)
    assert time.monotonic() - begun < 2


def test_a_program_sees_nothing_of_the_callers_environment(
    processes: Processes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/other")
    processes.ensure(Program("env", ("sh", "-c", "env; sleep 60"), environment=(("GIVEN", "yes"),)))
    processes.until("env", lambda: "GIVEN=yes" in processes.tail("env"))
    assert "KUBECONFIG" not in processes.tail("env")


def test_a_program_dies_with_the_test_run_that_started_it(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from devcluster.processes import Processes, Program\n"
        "folder = pathlib.Path(sys.argv[1]); p = Processes(folder, folder, die_with_parent=True)\n"
        "p.ensure(Program('sleeper', ('sleep', '60'))); print(flush=True); import os; os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False, cwd=Path(__file__).parents[2])
    pid = int(json.loads((tmp_path / "sleeper.json").read_text())["pid"])
    deadline = time.monotonic() + 5
    while started_at(pid) is not None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert started_at(pid) is None
