"""Compare whole processes, `runner.pyz upgrade` and plain `alembic upgrade heads`: `python -m tests.bench.overhead`."""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.bench.table import Row, markdown
from tests.runner import server
from tests.runner.environments import MATRIX, MLFLOW, Environment
from tests.runner.project import Project, base_environment
from tests.runner.server import Database
from tools import build_runner, pythons

_FIRST_TABLES = """
import sys
from sqlalchemy import create_engine
from mlflow.store.tracking.dbmodels.initial_models import Base
Base.metadata.create_all(create_engine(sys.argv[1]))
"""


@dataclass(frozen=True)
class Took:
    """What one process cost, in milliseconds."""

    wall: float
    processor: float


@dataclass(frozen=True)
class Pair:
    """The two, one right after the other."""

    plain: Took
    runner: Took


@dataclass(frozen=True)
class Contest:
    """One project in one environment, run both ways."""

    environment: Environment
    config: Path
    pyz: Path
    variables: dict[str, str]

    def plain(self) -> list[str | Path]:
        """Return the command line that everybody uses."""
        return [self.environment.folder / "bin" / "alembic", "-c", self.config, "upgrade", "heads"]

    def runner(self) -> list[str | Path]:
        """Return the one that the operator uses."""
        return [self.environment.python, self.pyz, "upgrade", "--config", self.config, "--result", os.devnull]

    def took(self, command: list[str | Path]) -> Took:
        """Run it to its end, which must be a good one."""
        begun = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=self.config.parent,
            env={**base_environment(), **self.variables},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{command} ended with {process.returncode}")
        return Took(wall * 1000, (usage.ru_utime + usage.ru_stime) * 1000)


def compare(contest: Contest, repeated: int, before: Callable[[], None]) -> list[Pair]:
    """Run both ways in turn, each first every other time; `before` comes before each run."""
    pairs = []
    for number in range(repeated + 1):
        took = {}
        for which in sorted(("plain", "runner"), reverse=bool(number % 2)):
            before()
            took[which] = contest.took(getattr(contest, which)())
        pairs.append(Pair(**took))
    return pairs[1:]  # the first one found cold caches


def processor_ratio(pairs: list[Pair]) -> float:
    """Return the median of what the runner takes of a processor for each second that plain Alembic takes."""
    return statistics.median(pair.runner.processor / pair.plain.processor for pair in pairs)


def _medians(pairs: list[Pair]) -> tuple[Took, Took, float, float]:
    """Return both medians, the median of the ratios, and that of the differences."""
    plain, runner = (
        Took(statistics.median(one.wall for one in some), statistics.median(one.processor for one in some))
        for some in zip(*((pair.plain, pair.runner) for pair in pairs), strict=True)
    )
    ratio = statistics.median(pair.runner.wall / pair.plain.wall for pair in pairs)
    return plain, runner, ratio, statistics.median(pair.runner.wall - pair.plain.wall for pair in pairs)


def rows(what: str, pairs: list[Pair], ratio_aim: float | None, difference_aim: float | None) -> Iterator[Row]:
    """Return the lines of one comparison."""
    plain, runner, ratio, difference = _medians(pairs)
    at = f"n={len(pairs)} pairs"
    yield Row(f"{what}: plain / runner", (plain.wall, runner.wall), (None, None), "ms", f"{at}, medians")
    fastest = (min(pair.plain.wall for pair in pairs), min(pair.runner.wall for pair in pairs))
    yield Row(f"{what}: plain / runner", fastest, (None, None), "ms", f"{at}, the fastest of each")
    yield Row(f"{what}: runner ÷ plain", (ratio,), (ratio_aim,), "", f"{at}, median of the ratios")
    yield Row(f"{what}: runner - plain", (difference,), (difference_aim,), "ms", f"{at}, median of the differences")
    processor = (plain.processor, runner.processor)
    yield Row(f"{what}: processor time, plain / runner", processor, (None, None), "ms", f"{at}, medians")
    yield Row(f"{what}: processor time, runner ÷ plain", (processor_ratio(pairs),), (None,), "", f"{at}, median")


@contextmanager
def mlflow(folder: Path, pyz: Path, home: Database) -> Iterator[tuple[Contest, Callable[[], None]]]:
    """Yield MLflow's migrations, and what puts its database back to its first tables."""
    home.rows("create database first")
    url = home.url("psycopg2")
    python = MLFLOW.python
    subprocess.run([python, "-c", _FIRST_TABLES, url.replace("/postgres", "/first")], check=True)
    (packages,) = MLFLOW.folder.glob("lib/python3*/site-packages")
    config = folder / "mlflow.ini"
    option = url.replace("/postgres", "/mlflow").replace("%", "%%")
    location = packages / "mlflow" / "store" / "db_migrations"
    config.write_text(f"[alembic]\nscript_location = {location}\nsqlalchemy.url = {option}\n", encoding="utf-8")

    def again() -> None:
        home.rows("drop database if exists mlflow")
        home.rows("create database mlflow template first")

    yield Contest(MLFLOW, config, pyz, {}), again
    home.rows("drop database mlflow")
    home.rows("drop database first")


def small(folder: Path, pyz: Path, home: Database, environment: Environment) -> Contest:
    """Return a project of one revision in an environment with nothing else."""
    environment.make()
    project = Project(folder / environment.name, "psycopg2").begin().table("one")
    return Contest(environment, project.folder / "alembic.ini", pyz, {"APP_URL": home.url("psycopg2")})


def measure(folder: Path, repeated: int) -> Iterator[Row]:
    """Measure everything on one server."""
    with server.running() as home:
        pyz = build_runner.build(folder / "runner.pyz", [one.path for one in pythons.present()])
        with mlflow(folder, pyz, home) as (contest, again):
            yield from rows("MLflow, 67 revisions", compare(contest, repeated, again), 1.05, None)
            yield from rows("MLflow, no-op", compare(contest, repeated, lambda: None), None, 60)
        for environment in MATRIX:
            contest = small(folder, pyz, home, environment)
            what = f"one revision, no-op, Python {environment.interpreter.minor}"
            yield from rows(what, compare(contest, repeated, lambda: None), None, 60)


def main() -> None:
    """Print a table; it takes about five minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.overhead", description=__doc__)
    parser.add_argument("--pairs", type=int, default=20, help="how often each is run both ways")
    pairs = parser.parse_args().pairs
    before = conditions.load_average()
    with TemporaryDirectory() as folder:
        table = markdown(itertools.chain(measure(Path(folder), pairs)))
    pins = ", ".join(f"{name} {MLFLOW.pins[name]}" for name in ("mlflow", "alembic", "SQLAlchemy", "psycopg2-binary"))
    sys.stdout.write(f"{table}\n\n{conditions.machine(before)}; {pins}, Python {MLFLOW.interpreter.version}.\n")


if __name__ == "__main__":
    main()
