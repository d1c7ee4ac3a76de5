"""Kill an import 20 times at random moments, in both ways of transactions: `python -m tests.bench.import_kills`.

After each kill every table is empty or complete; the last run goes on to the end.
"""

import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from tests.bench.importing import fresh
from tests.runner import server

TABLES, ROWS, WIDTH, KILLS = 8, 60_000, 50, 20
_START = """
import sys
from alembic_operator.cli import main
from alembic_operator.importing import carrying
carrying.ONE_TRANSACTION = int(sys.argv.pop(1))
sys.exit(main())
"""
_MARKERS = "SELECT to_regclass('alembic_operator_import')::text"
_TABLE = "CREATE TABLE t{0} (id int PRIMARY KEY, t text, parent int REFERENCES t{1} (id))"


def build(file: Path) -> None:
    """Write a file with tables that refer to each other in a circle."""
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('r1')")
        for number in range(TABLES):
            connection.execute(_TABLE.format(number, (number + 1) % TABLES).replace("id int", "id INTEGER"))
            rows = ((row, "x" * WIDTH, row) for row in range(ROWS))
            connection.executemany(f"INSERT INTO t{number} VALUES (?, ?, ?)", rows)


def prepare(database: server.Database) -> None:
    """Make the same tables in PostgreSQL."""
    database.rows("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)")
    database.rows("INSERT INTO alembic_version VALUES ('r1')")
    for number in range(TABLES):
        database.rows(f"CREATE TABLE t{number} (id int PRIMARY KEY, t text, parent int)")
        database.rows(f"CREATE INDEX i{number} ON t{number} (t)")
    for number in range(TABLES):
        parent = f"FOREIGN KEY (parent) REFERENCES t{(number + 1) % TABLES} (id)"
        database.rows(f"ALTER TABLE t{number} ADD CONSTRAINT k{number} {parent}")


def counts(database: server.Database) -> list[int]:
    """Return the rows of each table that others see; waits for who holds them."""
    return [int(database.value(f"SELECT count(*) FROM t{number}")) for number in range(TABLES)]


def campaign(database: server.Database, words: list[str], limit: int, pauses: Iterator[float]) -> list[int]:
    """Kill, look, and go on to the end; return how many tables were complete after each kill."""
    seen: list[int] = []
    for pause in pauses:
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            _, said = process.communicate(timeout=pause)
            if process.returncode:
                sys.exit(f"an import ended by itself: {said}")
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
        found = counts(database)
        if set(found) - {0, ROWS} or (limit and len(set(found)) > 1):
            sys.exit(f"half of an import is visible: {found}")
        seen.append(sum(map(bool, found)))
        if all(found) and not database.value(_MARKERS):
            break
    if not all(counts(database)) or database.value(_MARKERS):
        subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    valid = database.value("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated")
    indexes = database.value("SELECT count(*) FROM pg_indexes WHERE indexname ~ '^i[0-9]'")
    ended = counts(database) == [ROWS] * TABLES, valid, indexes, database.value(_MARKERS)
    if ended != (True, TABLES, TABLES, None):
        sys.exit(f"the import is not complete: {ended}")
    return seen


def main() -> None:
    """Run both campaigns, each with a fresh database when an import has come to its end."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**6)
    chance = random.Random(seed)
    print(f"seed {seed}")  # noqa: T201
    with tempfile.TemporaryDirectory() as folder, server.running() as database:
        file = Path(folder, "app.db")
        build(file)
        for limit, way in ((1 << 30, "one transaction"), (0, "one for each table")):
            seen: list[list[int]] = []
            longest = 0.0
            while (left := KILLS - sum(map(len, seen))) > 0:
                one = fresh(database, f"of{limit}_{len(seen)}", tables=False)
                prepare(one)
                words = [sys.executable, "-c", _START, str(limit), "import-sqlite", str(file), "--url", one.url()]
                begun = time.monotonic()
                pauses = (chance.uniform(0.3, longest) for _ in range(left)) if longest else iter(())
                seen.append(campaign(one, words, limit, pauses))
                longest = longest or time.monotonic() - begun
            print(f"{way}: {sum(map(len, seen))} kills; complete tables after each: {seen[1:]}")  # noqa: T201


if __name__ == "__main__":
    main()
