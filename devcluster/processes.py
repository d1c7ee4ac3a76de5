"""Start programs that outlive this one, find them again, and stop nothing that is not ours."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster.commands import search_path
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROC = Path("/proc")
LAST_LINES = 20
DYING_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL", "--")


@dataclass(frozen=True)
class Program:
    """One long-running program of the cluster."""

    name: str
    argv: tuple[str, ...]
    inputs: tuple[Path, ...] = ()
    """Files that the program reads once; it is started anew when one of them has changed."""
    environment: tuple[tuple[str, str], ...] = ()
    """All that it gets besides PATH and HOME: a proxy or a KUBECONFIG of the caller must not change a cluster."""

    def fingerprint(self) -> str:
        """Change when a running copy would no longer be what is wanted."""
        digest = hashlib.sha256("\0".join(self.argv).encode())
        for path in self.inputs:
            digest.update(path.read_bytes())
        return digest.hexdigest()


@dataclass(frozen=True)
class Running:
    """What is written down about a started program, enough to know it again."""

    pid: int
    started: int
    """Clock ticks since boot; a later process with the same pid has another value."""
    argv: tuple[str, ...]
    fingerprint: str

    def is_alive(self) -> bool:
        """Tell whether the pid still is the program that was started, and not a stranger."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        return started_at(self.pid) == self.started and _runs(self.pid, self.argv)


def started_at(pid: int) -> int | None:
    """Return the start time of a process in clock ticks since boot; None when there is none or it is a zombie."""
    try:
        after_name = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else int(after_name[19])


def _runs(pid: int, argv: tuple[str, ...]) -> bool:
    """Compare command lines; for a moment during its start a process has none yet."""
    try:
        seen = (PROC / str(pid) / "cmdline").read_bytes()
    except OSError:
        return False
    return not seen or seen.endswith("\0".join(argv).encode() + b"\0")


@dataclass(frozen=True)
class Processes:
    """The programs whose pids and logs are kept in one folder each."""

    pids: Path
    logs: Path
    die_with_parent: bool = False
    """For tests: the kernel stops the program when the thread that started it ends, however it ends."""

    def ensure(self, program: Program) -> bool:
        """Start the program unless it already runs just like this; tell whether it was started."""
        running = self._recorded(program.name)
        if running and running.is_alive():
            if running.fingerprint == program.fingerprint():
                return False
            self.stop(program.name)
        self._start(program)
        return True

    def is_running(self, name: str) -> bool:
        """Tell whether the program of that name lives."""
        running = self._recorded(name)
        return running is not None and running.is_alive()

    def names(self) -> list[str]:
        """List what was started and not yet stopped, dead or alive."""
        return sorted(path.stem for path in self.pids.glob("*.json"))

    def stop(self, name: str, grace: float = 5) -> None:
        """Ask the program to end, insist after `grace` seconds, forget it."""
        running = self._recorded(name)
        if running and running.is_alive():
            stop_process(running.pid, running.is_alive, grace)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(running.pid, 0)
        self._record(name).unlink(missing_ok=True)

    def log(self, name: str) -> Path:
        """Name the file that holds what the program prints."""
        return self.logs / f"{name}.log"

    def until(self, name: str, ready: Callable[[], bool], seconds: float = 60, needs: tuple[str, ...] = ()) -> None:
        """Wait until the program is of use; when it or one that it needs ends, show the end of that one's log."""
        deadline = time.monotonic() + seconds
        while not ready():
            for each in (*needs, name):
                if not self.is_running(each):
                    raise FailureError(f"{each} ended\n{self.tail(each)}")
            if time.monotonic() > deadline:
                raise FailureError(f"{name} was not ready after {seconds:.0f} s\n{self.tail(name)}")
            time.sleep(0.05)

    def tail(self, name: str) -> str:
        """Return the last lines of a log under its path."""
        log = self.log(name)
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return "\n".join([f"--- the end of {log}", *lines[-LAST_LINES:]])

    def _record(self, name: str) -> Path:
        return self.pids / f"{name}.json"

    def _recorded(self, name: str) -> Running | None:
        try:
            fields = json.loads(self._record(name).read_text())
            return Running(fields["pid"], fields["started"], tuple(fields["argv"]), fields["fingerprint"])
        except (FileNotFoundError, ValueError, TypeError, KeyError):  # none, cut short, or of another version
            return None

    def _start(self, program: Program) -> None:
        for folder in (self.pids, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
        wrapper = DYING_WITH_PARENT if self.die_with_parent else ()
        pid = _spawn((*wrapper, *program.argv), dict(program.environment), self.log(program.name))
        if wrapper:
            _wait_for_exec(pid)
        running = Running(pid, started_at(pid) or 0, program.argv, program.fingerprint())
        self._record(program.name).write_text(json.dumps(asdict(running)))


def _spawn(argv: tuple[str, ...], environment: dict[str, str], log: Path) -> int:
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    inherited = {"PATH": search_path(), "HOME": os.environ.get("HOME", "/")}
    return os.posix_spawnp(
        argv[0],
        argv,
        inherited | environment,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(log), writing, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
        setsid=True,
    )


def _wait_for_exec(pid: int) -> None:
    """Return when the wrapper has done its work and has become the program."""
    for _ in _until(time.monotonic() + 5):
        if started_at(pid) is None:
            return
        with contextlib.suppress(OSError):
            seen = (PROC / str(pid) / "cmdline").read_bytes()
            if seen and not seen.startswith(DYING_WITH_PARENT[0].encode()):
                return


def stop_process(pid: int, is_alive: Callable[[], bool], grace: float) -> None:
    """End one process, gently at first; `is_alive` must say no as soon as the pid belongs to another."""
    for number, seconds in ((signal.SIGTERM, grace), (signal.SIGKILL, 10.0)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
        for _ in _until(time.monotonic() + seconds):
            if not is_alive():
                return


def _until(deadline: float) -> Iterator[None]:
    while time.monotonic() < deadline:
        yield
        time.sleep(0.01)
