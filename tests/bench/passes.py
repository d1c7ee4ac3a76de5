"""Import a million rows in two passes while somebody writes, beside one pass: `python -m tests.bench.passes`.

Downtime is what the second pass takes, from the start of its process to its end, for so long nobody may write.
"""

import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench import conditions
from tests.bench.importing import ROWS, build, command, fresh, run
from tests.runner import server

if TYPE_CHECKING:
    from collections.abc import Iterator

RUNS, MOST = 3, 0.4
_AT_MOST_SECONDS, _PAUSE = 600, 0.005
_COLUMNS = "id, owner, title, body, price, ratio, active"


def write(file: Path) -> None:
    """Insert, change and delete rows until somebody kills this, a transaction for each."""
    chance = random.Random(6)
    with closing(sqlite3.connect(file, isolation_level=None, timeout=60)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        print("writes", flush=True)  # noqa: T201
        for number in range(_AT_MOST_SECONDS * 200):
            row = chance.randrange(1, ROWS)
            match number % 4:
                case 0 | 1:
                    connection.execute(
                        "INSERT INTO events (owner, title, price, ratio, active, at)"
                        " VALUES (?, 'new', 1, 0.5, 1, '2026-11-30 12:00:00.000001')",
                        (row,),
                    )
                case 2:
                    connection.execute("UPDATE events SET title = ?, ratio = ratio / 3 WHERE id = ?", (number, row))
                case 3:
                    connection.execute("DELETE FROM events WHERE id = ?", (row,))
            time.sleep(_PAUSE)


@contextmanager
def written(file: Path) -> "Iterator[None]":
    """Let another process write meanwhile."""
    words = [sys.executable, "-m", "tests.bench.passes", str(file)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
        if process.stdout is None or not process.stdout.readline():
            sys.exit("nobody writes")
        try:
            yield
        finally:
            process.kill()


def difference(file: Path, database: server.Database) -> int:
    """Return how many rows are not the same on both sides."""
    theirs = {row[0]: row for row in database.rows(f"SELECT {_COLUMNS.replace('price', 'price::float8')} FROM events")}
    with closing(sqlite3.connect(file)) as connection:
        ours = {row[0]: (*row[:-1], bool(row[-1])) for row in connection.execute(f"SELECT {_COLUMNS} FROM events")}
    return sum(theirs.get(one) != ours.get(one) for one in theirs.keys() | ours.keys())


def main() -> None:
    """Print the times of both ways, and the ratio of each pair."""
    load = conditions.load_average()
    ratios = []
    with tempfile.TemporaryDirectory() as folder, server.running() as database:
        begun, file = Path(folder, "begun.db"), Path(folder, "app.db")
        build(begun, ROWS)
        for number in range(RUNS):
            shutil.copyfile(begun, file)
            one = fresh(database, f"one{number}", tables=True)
            single, _ = run(*command(file, one))
            two = fresh(database, f"two{number}", tables=True)
            with written(file):
                first, _ = run(*command(file, two), "--pass", "first")
            downtime, said = run(*command(file, two), "--pass", "second", "-o", "json")
            if not json.loads(said)["equal"] or (lost := difference(file, two)):
                sys.exit(f"rows are not the same: {lost}")
            with closing(sqlite3.connect(file)) as connection:
                added = connection.execute("SELECT max(id) FROM events").fetchone()[0] - ROWS
            ratios.append(downtime.wall / single.wall)
            print(  # noqa: T201
                f"one pass {single.wall:.1f} s ({single.processor:.1f} of the processor); first {first.wall:.1f} s,"
                f" {2 * added} rows written meanwhile; downtime {downtime.wall:.1f} s ({downtime.processor:.1f}):"
                f" {ratios[-1]:.0%} at load {conditions.load_average():.1f}",
                flush=True,
            )
    print(f"downtime {statistics.median(ratios):.0%} of one pass, {ROWS} rows; {conditions.machine(load)}")  # noqa: T201
    if statistics.median(ratios) >= MOST:
        sys.exit(f"that is not below {MOST:.0%}")


if __name__ == "__main__":
    write(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
