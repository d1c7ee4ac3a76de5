"""Kill second passes 20 times at random moments: `python -m tests.bench.pass_kills`.

After each kill PostgreSQL is as the first pass left it, or as the file is; the last run goes on to the end.
"""

import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from tests.bench.import_kills import KILLS, ROWS, TABLES, build, prepare
from tests.bench.importing import command, fresh
from tests.runner import server

_KEPT = "SELECT to_regclass('alembic_operator_passes')::text"
_SAID = "SELECT count(*), sum(id), count(*) FILTER (WHERE t LIKE 'changed%') FROM t{0}"
State = list[tuple[int, ...]]


def change(file: Path) -> State:
    """Change, delete and insert rows of each table, and return what the file has now."""
    with closing(sqlite3.connect(file)) as connection, connection:
        for number in range(TABLES):
            connection.execute(f"UPDATE t{number} SET t = 'changed ' || id WHERE id % 50 = {number}")
            connection.execute(f"DELETE FROM t{number} WHERE id >= {ROWS - 500}")
            rows = ((row, "changed", row) for row in range(ROWS, ROWS + 3000))
            connection.executemany(f"INSERT INTO t{number} VALUES (?, ?, ?)", rows)
        return [tuple(connection.execute(_SAID.format(number)).fetchone()) for number in range(TABLES)]


def seen(database: server.Database) -> State:
    """Return what others see; waits for who holds the tables."""
    return [tuple(map(int, database.rows(_SAID.format(number))[0])) for number in range(TABLES)]


def campaign(database: server.Database, file: Path, pauses: list[float]) -> tuple[int, int]:
    """Carry one file over with a kill after each pause; return how many kills came before and after the commit."""
    subprocess.run([*command(file, database), "--pass", "first"], check=True, stdout=subprocess.DEVNULL)
    before, after = seen(database), change(file)
    early = late = 0
    for pause in pauses:
        with subprocess.Popen([*command(file, database), "--pass", "second"], stdout=subprocess.DEVNULL) as process:
            time.sleep(pause)
            process.kill()
        found = seen(database)
        if found not in (before, after) or (found == before) != bool(database.value(_KEPT)):
            sys.exit(f"half of a second pass is visible: {found}")
        early, late = early + (found == before), late + (found == after)
        if late:
            break
    if not late:
        subprocess.run([*command(file, database), "--pass", "second"], check=True, stdout=subprocess.DEVNULL)
    valid = database.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated")
    if (seen(database), valid, database.value(_KEPT)) != (after, TABLES, None):
        sys.exit("the second pass is not complete")
    return early, late


def main() -> None:
    """Run campaigns until there were enough kills; the first one, without a kill, says how long a pass takes."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201
    early = late = number = 0
    longest = 0.0
    with tempfile.TemporaryDirectory() as folder, server.running() as database:
        begun, file = Path(folder, "begun.db"), Path(folder, "app.db")
        build(begun)
        while early + late < KILLS:
            shutil.copyfile(begun, file)
            one = fresh(database, f"passes{number}", tables=False)
            prepare(one)
            started = time.monotonic()
            pauses = [chance.uniform(0.3, longest) for _ in range(KILLS - early - late)] if number else []
            sooner, later = campaign(one, file, pauses)
            longest = longest or (time.monotonic() - started) / 2
            early, late, number = early + sooner, late + later, number + 1
    print(f"{early + late} kills of second passes, {late} of them after the commit; nothing half was visible")  # noqa: T201


if __name__ == "__main__":
    main()
