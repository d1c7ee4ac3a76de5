"""Faults by chance: what may happen to a runner, its sessions, its tables and its server while it migrates."""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import psycopg

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Process
    from tests.runner.server import Database, Server

SESSIONS = "application_name like 'alembic-operator/%' and datname = current_database()"
_MOMENT = 1.8
"""Seconds after the first sign of work within which a fault comes."""


@dataclass
class Scene:
    """Where the faults happen."""

    server: Server
    database: Database
    start: Callable[[], Process]
    """Starts one more runner."""
    processes: list[Process] = field(default_factory=list)
    killed: set[int] = field(default_factory=set)
    """The process ids of those who were killed, and so say nothing."""
    holders: list[threading.Thread] = field(default_factory=list)

    def running(self) -> list[Process]:
        return [one for one in self.processes if one.popen.poll() is None]

    def settle(self) -> None:
        """Wait until everybody has ended."""
        for process in self.processes:
            until(lambda one=process: one.popen.poll() is not None, 150, "the end of a runner")
        for holder in self.holders:
            holder.join()


def kill(scene: Scene, chance: random.Random) -> None:
    if running := scene.running():
        victim = chance.choice(running)
        scene.killed.add(victim.popen.pid)
        victim.popen.kill()
        victim.popen.wait()


def terminate(scene: Scene, chance: random.Random) -> None:
    if running := scene.running():
        chance.choice(running).popen.send_signal(signal.SIGTERM)


def end_the_lock(scene: Scene, _: random.Random) -> None:
    _ask(scene, f"select pg_terminate_backend(pid) from pg_stat_activity where {SESSIONS} and {_OWN}")


def end_a_migration(scene: Scene, _: random.Random) -> None:
    _ask(scene, f"select pg_terminate_backend(pid) from pg_stat_activity where {SESSIONS} and not {_OWN}")


def end_all(scene: Scene, _: random.Random) -> None:
    _ask(scene, f"select pg_terminate_backend(pid) from pg_stat_activity where {SESSIONS}")


def cancel(scene: Scene, _: random.Random) -> None:
    _ask(scene, f"select pg_cancel_backend(pid) from pg_stat_activity where {SESSIONS} and state = 'active'")


def restart(scene: Scene, _: random.Random) -> None:
    scene.server.stop(signal.SIGINT)
    scene.server.start()


def crash(scene: Scene, _: random.Random) -> None:
    scene.server.stop(signal.SIGQUIT)
    scene.server.start()


def rival(scene: Scene, _: random.Random) -> None:
    scene.processes.append(scene.start())


def occupy(scene: Scene, chance: random.Random) -> None:
    """Hold a table that revisions alter, or one whose indexes they build."""
    table, seconds = chance.choice(("busy", "filled")), chance.uniform(0.2, 2.5)

    def hold() -> None:
        with suppress(psycopg.Error), scene.database.connect(autocommit=False) as holder:
            holder.execute(f"lock table {table} in access share mode".encode())
            holder.execute("select pg_sleep(%s)", (seconds,))

    scene.holders.append(threading.Thread(target=hold))
    scene.holders[-1].start()


_OWN = "application_name like '%/own'"
Fault = Callable[[Scene, random.Random], None]
FAULTS: tuple[Fault, ...] = (
    *(kill, kill, kill, terminate, terminate, end_the_lock, end_a_migration, end_all, cancel),
    *(restart, crash, rival, rival, occupy),
)


def _ask(scene: Scene, sql: str) -> None:
    with suppress(psycopg.Error):  # the server may be restarting
        scene.database.rows(sql)


def strike(scene: Scene, chance: random.Random, faults: list[Fault]) -> list[str]:
    """Let each fault come at a moment of its own, in the course of the first runner; return what happened."""
    first = scene.processes[0]
    until(lambda: first.popen.poll() is not None or first.said("started"), 60, "the first sign of work")
    if chance.random() < 0.8:
        until(lambda: first.popen.poll() is not None or first.said("database heads read"), 60, "work")
    begun = time.monotonic()
    happened = []
    for fault, moment in zip(faults, sorted(chance.uniform(0, _MOMENT) for _ in faults), strict=True):
        time.sleep(max(0.0, begun + moment - time.monotonic()))
        if scene.running() or fault is rival:
            fault(scene, chance)
            happened.append(fault.__name__)
    return happened
