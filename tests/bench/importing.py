"""Import a million rows beside pgloader: `python -m tests.bench.importing`.

pgloader is Debian's, with its defaults; it makes the tables itself, and checks nothing. The import scans and checks.
"""

import datetime as dt
import json
import random
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from tests.bench import conditions
from tests.runner import server

ROWS, RUNS = 1_000_000, 3
_LOOK_EVERY = 0.05
_TABLE = """
CREATE TABLE events (id {serial} PRIMARY KEY, owner bigint NOT NULL, title varchar(60) NOT NULL, body text,
                     price numeric(10, 2) NOT NULL, ratio double precision NOT NULL, active boolean NOT NULL,
                     at {datetime} NOT NULL)
"""
_INDEXES = ("CREATE INDEX events_owner ON events (owner)", "CREATE INDEX events_at ON events (at)")
_VERSION = (
    "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
    "INSERT INTO alembic_version VALUES ('r1')",
)
_START = "import sys; from alembic_operator.cli import main; sys.exit(main())"


class Took(NamedTuple):
    """What one run needed."""

    wall: float
    processor: float
    """Of the program itself, without PostgreSQL's."""


def build(file: Path, rows: int) -> None:
    """Write a SQLite file with eight types of columns."""
    chance = random.Random(15)
    begin = dt.datetime(2020, 1, 1)  # noqa: DTZ001
    with closing(sqlite3.connect(file)) as connection, connection:
        for sql in (_TABLE.format(serial="INTEGER", datetime="DATETIME"), *_INDEXES, *_VERSION):
            connection.execute(sql)
        connection.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                (
                    number,
                    chance.randrange(2**40),
                    f"title {number} {chance.randrange(10**6)}",
                    "some words of a body " * chance.randrange(1, 4),
                    chance.randrange(10**6) / 100,
                    chance.random(),
                    chance.randrange(2),
                    f"{begin + dt.timedelta(microseconds=chance.randrange(10**14)):%Y-%m-%d %H:%M:%S.%f}",
                )
                for number in range(1, rows + 1)
            ),
        )


def run(*words: str) -> tuple[Took, str]:
    """Run a program, and return what it needed and said."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(wall, used), done.stdout


def command(file: Path, database: server.Database) -> list[str]:
    """Return the command line of an import."""
    return [sys.executable, "-c", _START, "import-sqlite", str(file), "--url", database.url()]


def held(pid: int) -> int:
    """Return the memory of a process and its children in KiB; what they share counts once."""
    with suppress(OSError):
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
        own = next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return own + sum(held(int(one)) for one in children)
    return 0


def watched(words: list[str]) -> tuple[float, float]:
    """Run a program; return its seconds, and the most MiB that it and its children held."""
    begun, most = time.monotonic(), 0
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        most = max(most, held(process.pid))
        time.sleep(_LOOK_EVERY)
    if process.returncode:
        sys.exit("the import has failed")
    return time.monotonic() - begun, most / 1024


def fresh(database: server.Database, name: str, *, tables: bool) -> server.Database:
    """Make a database, with the tables that Alembic would have made."""
    database.rows(f"CREATE DATABASE {name}")
    one = database.named(name)
    if tables:
        for sql in (_TABLE.format(serial="serial", datetime="timestamp"), *_INDEXES, *_VERSION):
            one.rows(sql)
    return one


def main() -> None:
    """Print a table with the medians, and the memory for two sizes of a file."""
    if not shutil.which("pgloader"):
        sys.exit("there is no pgloader; `apt-get install pgloader`")
    load = conditions.load_average()
    with tempfile.TemporaryDirectory() as folder, server.running() as database:
        file, small = Path(folder, "large.db"), Path(folder, "small.db")
        build(file, ROWS)
        build(small, ROWS // 10)
        database.rows("CREATE ROLE loader SUPERUSER LOGIN PASSWORD 'x'")
        theirs, ours, loads = [], [], []
        for number in range(RUNS):
            loads.append(f"{conditions.load_average():.1f}")
            one = fresh(database, f"a{number}", tables=False)
            place = f"{database.host}:{database.port}/{one.name}"
            theirs.append(run("pgloader", str(file), f"postgresql://loader:x@{place}")[0])
            other = fresh(database, f"b{number}", tables=True)
            took, said = run(
                sys.executable, "-c", _START, "import-sqlite", str(file), "--url", other.url(), "-o", "json"
            )
            ours.append(took)
            told = json.loads(said)
            if not (told["equal"] and told["rows"] == ROWS == other.value("SELECT count(*) FROM events")):
                sys.exit("the import is not complete")
        memory = [
            watched(command(one, fresh(database, f"c{number}", tables=True)))[1]
            for number, one in enumerate((small, file))
        ]
    print(f"{ROWS} rows, {RUNS} runs each, one after the other; {conditions.machine(load)}")  # noqa: T201
    for name, all_of in (("pgloader", theirs), ("import-sqlite", ours)):
        wall, processor = (statistics.median(one) for one in zip(*all_of, strict=True))
        print(f"| {name} | {wall:.1f} s | {processor:.1f} s of the processor |")  # noqa: T201
    ratios = [a.wall / b.wall for a, b in zip(theirs, ours, strict=True)]
    pairs = ", ".join(f"{one:.2f} at load {load}" for one, load in zip(ratios, loads, strict=True))
    print(f"{statistics.median(ratios):.2f} times as fast: {pairs}")  # noqa: T201
    print(f"memory {memory[0]:.0f} MiB with {ROWS // 10} rows, {memory[1]:.0f} with {ROWS}")  # noqa: T201


if __name__ == "__main__":
    main()
