"""Import a file above 1 GB, each table in a transaction of its own: `python -m tests.bench.import_large`.

It says how much memory all processes of the import hold together, kills it at some moments, and lets it go on.
"""

import random
import sys
import tempfile
from pathlib import Path

from tests.bench import conditions, import_kills
from tests.bench.importing import command, fresh, watched
from tests.runner import server

ROWS, WIDTH, KILLS = 350_000, 370, 6


def main() -> None:
    """Run it once as it is, and once with kills."""
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else random.randrange(10**6)
    chance, load = random.Random(seed), conditions.load_average()
    import_kills.ROWS, import_kills.WIDTH = ROWS, WIDTH
    with tempfile.TemporaryDirectory() as folder, server.running() as database:
        file = Path(folder, "app.db")
        import_kills.build(file)
        one, other = (fresh(database, name, tables=False) for name in ("whole", "killed"))
        import_kills.prepare(one)
        import_kills.prepare(other)
        seconds, memory = watched(command(file, one))
        database.rows("DROP DATABASE whole")
        pauses = (chance.uniform(seconds / 4, seconds / 2) for _ in range(KILLS))
        seen = import_kills.campaign(other, command(file, other), 0, pauses)
        size = file.stat().st_size / 1e9
    rows = import_kills.TABLES * ROWS
    print(f"seed {seed}; {size:.2f} GB, {rows} rows: {seconds:.0f} s, {memory:.0f} MiB; {conditions.machine(load)}")  # noqa: T201
    print(f"complete tables after each of {len(seen)} kills: {seen}")  # noqa: T201


if __name__ == "__main__":
    main()
