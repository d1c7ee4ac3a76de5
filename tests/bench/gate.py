"""Compare `runner.pyz check` with `alembic current`, and weigh a waiting gate: `python -m tests.bench.gate`."""

import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.bench.table import Row, markdown
from tests.runner import server
from tests.runner.project import Project, Runner, base_environment
from tests.runner.server import Database, until
from tools import build_runner

_REVISIONS = 20
_WAYS = ("alembic current", "check", "check, the slow way", "nothing: python -c pass")


def main() -> None:
    """Print a table; it takes about a minute."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.gate", description=__doc__)
    parser.add_argument("--repeated", type=int, default=31, help="runs of each command")
    repeated = parser.parse_args().repeated
    before = conditions.load_average()
    with TemporaryDirectory() as name, _database() as database:
        folder = Path(name)
        pyz = build_runner.build(folder / "runner.pyz")
        project = _project(folder / "project", database)
        times = _times(project, database, pyz, repeated)
        memory = tuple(
            _memory(project.table(f"more_{len(how)}"), database, Runner(pyz, folder), how)
            for how in ("environment", "env.py")
        )
    row = Row("Memory of a waiting gate, its peak: quick / the slow way", memory, (40, None), "MiB", "VmHWM")
    rows = [*_rows(times, repeated), row]
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.machine(before)}; Python {sys.version.split()[0]}.\n")


@contextmanager
def _database() -> Iterator[Database]:
    with server.running() as database:
        database.rows("create database gate")
        try:
            yield database.named("gate")
        finally:
            database.rows("drop database gate with (force)")


def _project(folder: Path, database: Database) -> Project:
    project = Project(folder, "psycopg2").begin()
    for number in range(_REVISIONS):
        project.table(f"revision_{number}")
    words = [sys.executable, "-m", "alembic", "upgrade", "heads"]
    subprocess.run(words, cwd=folder, env=_environment(database), check=True, capture_output=True)
    return project


def _environment(database: Database) -> dict[str, str]:
    return {**base_environment(), **database.environment(), "APP_URL": database.url("psycopg2")}


def _times(project: Project, database: Database, pyz: Path, repeated: int) -> dict[str, list[float]]:
    """Run the commands in turn, one round that does not count and then as often as asked for; milliseconds."""
    check = [sys.executable, str(pyz), "check", "--result", os.devnull]
    words = ([sys.executable, "-m", "alembic", "current"], [*check, "--database", "environment"], check)
    commands = dict(zip(_WAYS, (*words, [sys.executable, "-c", "pass"]), strict=True))
    times: dict[str, list[float]] = {way: [] for way in _WAYS}
    for _ in range(repeated + 1):
        for way, command in commands.items():
            begun = time.perf_counter()
            subprocess.run(command, cwd=project.folder, env=_environment(database), check=True, capture_output=True)
            times[way].append(1000 * (time.perf_counter() - begun))
    return {way: found[1:] for way, found in times.items()}


def _rows(times: dict[str, list[float]], repeated: int) -> Iterator[Row]:
    medians = {way: statistics.median(found) for way, found in times.items()}
    told = f"n={repeated}, {_REVISIONS} revisions, database up to date"
    for way, median in medians.items():
        aim = 160 if way == "check" else None
        yield Row(f"{way}, median / fastest", (median, min(times[way])), (aim, None), "ms", told)
    ratios = medians["check"] / medians["alembic current"], min(times["check"]) / min(times["alembic current"])
    yield Row("check as a part of alembic current, medians / fastest", ratios, (160 / 550, None), "", told)


def _memory(project: Project, database: Database, runner: Runner, how: str) -> float:
    """Return the peak of a gate that waits for a revision, in MiB."""
    variables = {**database.environment(), "APP_URL": database.url("psycopg2")}
    gate = runner.start(project, "gate", "--database", how, **variables)
    try:
        until(lambda: gate.said("waiting"), what="the gate")
        found = re.search(r"VmHWM:\s+(\d+) kB", (Path("/proc") / str(gate.popen.pid) / "status").read_text())
    finally:
        runner.close()
    if found is None:
        raise RuntimeError("the kernel does not tell the peak of a process's memory")
    return int(found.group(1)) / 1024


if __name__ == "__main__":
    main()
