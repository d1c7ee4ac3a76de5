"""Fork processes that migrate tenants, from one that has imported what each needs, and neither connects nor threads.

Where it has threads that are not the runner's, each is a new interpreter instead.
"""

from __future__ import annotations

import gc
import importlib
import os
import signal
import socket
import traceback
from contextlib import suppress
from typing import Any

from alembic_operator.contract import Result
from alembic_operator.runner.process import threads
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.imports import imported
from alembic_operator.runner.tenants import spawning
from alembic_operator.runner.tenants.lines import Line

_select: Any = threads.unpatched("select")  # eventlet leaves no poll in the usual one
_PERIOD_MS = 100
_EVERYWHERE = (
    *("commands.run", "commands.upwards", "tenants.worker", "watching.adoption", "watching.commits"),
    *("watching.footprints", "watching.halves", "database.schema", "watching.sql", "process.hints.table"),
)
_DRIVERS = ("psycopg2", "psycopg", "asyncpg")


class Nursery:
    """Asks the process that forks; the descriptors of a line go with the question."""

    def __init__(self, asking: socket.socket, pid: int) -> None:
        """Know it."""
        self._asking = asking
        self.pid = pid
        self.line = Line(asking.fileno())
        """Where it tells which process ended, and how."""

    def prepare(self) -> None:
        """Let it import what every process needs, while this one does the same."""
        with suppress(OSError):  # it was ended, which is told when a process is wanted
            self._asking.send(b"0\n")

    def bear(self, number: int, brief: dict[str, Any]) -> Line:
        """Let a process begin, and return the line to it. It writes where this one writes now."""
        ours, theirs = socket.socketpair()
        with theirs:
            Line(ours.fileno()).say(brief)
            socket.send_fds(self._asking, [b"%d\n" % number], [theirs.fileno(), 1, 2])
        return Line(ours.detach())


def begin() -> Nursery:
    """Fork the process that forks; call it before this one starts a thread of its own."""
    ours, theirs = socket.socketpair()
    pid = spawning.spawn("nursery", theirs.fileno()) if spawning.is_needed() else os.fork()
    if pid:
        theirs.close()
        return Nursery(ours, pid)
    ours.close()
    try:
        _serve(theirs)
    finally:
        os._exit(0)


def resume(what: str, descriptor: int) -> None:
    """Be what was started as a new interpreter."""
    if what == "nursery":
        _serve(socket.socket(fileno=descriptor))
    else:
        _live(Line(descriptor))


def _serve(asked: socket.socket) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    line, born = Line(asked.fileno()), dict[int, int]()
    is_prepared = False
    poll = _select.poll()
    poll.register(asked, _select.POLLIN)
    while True:
        if poll.poll(_PERIOD_MS if born else None):
            message, descriptors, _, _ = socket.recv_fds(asked, 64, 3)
            if not message:
                return
            if not is_prepared and not spawning.is_needed():
                _prepare()
            is_prepared = True
            if not descriptors:
                continue
            number = int(message.split()[-1])  # that before it may have been the question to prepare
            born[_born(asked, descriptors)] = number
            for one in descriptors:
                os.close(one)
        _bury(line, born)


def _born(asked: socket.socket, descriptors: list[int]) -> int:
    line, *streams = descriptors
    if spawning.is_needed():
        return spawning.spawn("worker", line, tuple(streams))
    if not (pid := os.fork()):
        _begin_life(asked, descriptors)
    return pid


def _bury(line: Line, born: dict[int, int]) -> None:
    """Tell of those that have ended; as their parent this process must hear of it, or they would stay."""
    with suppress(ChildProcessError):
        while born:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if not pid:
                return
            if (number := born.pop(pid, None)) is not None:
                line.say({"number": number, "status": status})


def _begin_life(asked: socket.socket, descriptors: list[int]) -> None:
    line, out, err = descriptors
    try:
        asked.close()
        for number, descriptor in ((1, out), (2, err)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        _live(Line(line))
    except BaseException:  # noqa: BLE001  there is nobody above to tell it to
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _live(line: Line) -> None:
    """Migrate tenants; without the image's libraries each of them fails for that."""
    try:
        worker = imported("tenants.worker")
    except Ending as ending:
        verdict = ending.verdict
        result = Result(str(verdict.reason), error=verdict.failure).to_json()
        for message in line.messages():
            if "tenant" in message:
                line.say({"tenant": message["tenant"], "result": result, "ms": 0})
        return
    worker.work(line)


def _prepare() -> None:
    """Import what every process needs; what cannot be imported, each of them says itself."""
    with suppress(Exception):
        for name in _EVERYWHERE:
            importlib.import_module(f"alembic_operator.runner.{name}")
        imported("project.environment").command_line()
        imported("database.direct").driver(asynchronous=False)
        imported("database.given").secrets()
    for name in _DRIVERS:
        with suppress(Exception):
            importlib.import_module(name)
            importlib.import_module(f"sqlalchemy.dialects.postgresql.{name}")
    gc.freeze()
