"""Measure how long readers stand behind an ALTER TABLE that waits: `python -m tests.bench.readers`."""

import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.runner import server
from tests.runner.project import Process, Project, Run, Runner
from tests.runner.server import Database, until
from tools import build_runner

HOLD = 4.0
"""Seconds for which the long transaction goes on after the revision began."""
_CLIENTS = 3
_PAUSE = 0.005
_LOCK_TIMEOUTS = ("0s", "2s", "500ms", "100ms")
_REPEATED = 5


@dataclass(frozen=True)
class Stall:
    """What one run did to those who only read."""

    attempts: int
    seconds: float
    """From the revision's first attempt to its commit."""
    worst: float
    """Seconds of the slowest read."""
    reads: int


@dataclass
class _Readers:
    database: Database
    times: list[float] = field(default_factory=list)
    enough: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        with self.database.connect() as connection:
            while not self.enough.wait(_PAUSE):
                begun = time.perf_counter()
                connection.execute("select count(*) from busy")
                self.times.append(time.perf_counter() - begun)


@contextmanager
def _reading(database: Database) -> Iterator[list[float]]:
    readers = _Readers(database)
    threads = [threading.Thread(target=readers.read) for _ in range(_CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        until(lambda: len(readers.times) >= _CLIENTS, what="reads")
        readers.times.clear()
        yield readers.times
    finally:
        readers.enough.set()
        for thread in threads:
            thread.join()


def measure(project: Project, runner: Runner, database: Database, lock_timeout: str) -> Stall:
    """Run the project, whose revision alters the table busy, while a transaction that read the table stays open."""
    database.rows("create table busy as select generate_series(1, 1000) as id")
    with _reading(database) as times, database.connect(autocommit=False) as long:
        long.execute("select count(*) from busy")
        process = runner.start(project, "upgrade", "--lock-timeout", lock_timeout, APP_URL=database.url(project.driver))
        until(lambda: process.popen.poll() is not None or process.said("revision started"), what="the revision")
        begun = time.monotonic()
        until(lambda: time.monotonic() - begun >= HOLD, what="the end of the long transaction")
        long.rollback()
        run = process.finish()
    return _stall(process, run, times)


def _stall(process: Process, run: Run, times: list[float]) -> Stall:
    if run.code:
        raise RuntimeError(process.log())
    began, ended = (datetime.fromisoformat(run.said(f"revision {one}")[0]["time"]) for one in ("started", "applied"))
    return Stall(1 + len(run.said("retrying")), (ended - began).total_seconds(), max(times), len(times))


def altering(folder: Path) -> Project:
    """Return the project of these measurements."""
    return Project(folder, "psycopg2").begin().revision("one", 'op.execute("alter table busy add column name text")')


def main() -> None:
    """Print a table; it takes about three minutes."""
    before = conditions.load_average()
    rows = ["| `lock_timeout` | Attempts | Migration took | Worst read | Reads |", "| --- | --- | --- | --- | --- |"]
    with TemporaryDirectory() as folder, server.running() as database:
        pyz = build_runner.build(Path(folder) / "runner.pyz")
        for lock_timeout in _LOCK_TIMEOUTS:
            stalls = [
                _once(Path(folder) / f"{lock_timeout}{number}", pyz, database, lock_timeout)
                for number in range(_REPEATED)
            ]
            rows.append(_row(lock_timeout, stalls))
    sys.stdout.write("\n".join(rows) + f"\n\n{conditions.machine(before)}.\n")


def _once(folder: Path, pyz: Path, database: Database, lock_timeout: str) -> Stall:
    folder.mkdir()
    name = f"readers_{folder.name}"
    database.rows(f"create database {name}")
    runner = Runner(pyz, folder)
    try:
        return measure(altering(folder / "project"), runner, database.named(name), lock_timeout)
    finally:
        runner.close()
        database.rows(f"drop database {name} with (force)")


def _row(lock_timeout: str, stalls: list[Stall]) -> str:
    attempts, seconds = ([getattr(one, name) for one in stalls] for name in ("attempts", "seconds"))
    worst, reads = max(one.worst for one in stalls), statistics.median(one.reads for one in stalls)
    return f"| {lock_timeout} | {_span(attempts, '')} | {_span(seconds, ' s')} | {worst * 1000:.0f} ms | {reads:.0f} |"


def _span(numbers: list[float], unit: str) -> str:
    texts = dict.fromkeys(f"{number:.3g}" for number in (min(numbers), max(numbers)))
    return " to ".join(texts) + unit


if __name__ == "__main__":
    main()
