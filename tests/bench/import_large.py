"""Import a file above 1 GB, each table in a transaction of its own: `python -m tests.bench.import_large`.

It says how much memory all processes of the import hold together, kills it at some moments, and lets it go on.
"""

import random
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.bench import conditions, import_kills
from tests.bench.importing import command, fresh
from tests.runner import server

ROWS, WIDTH, KILLS = 350_000, 370, 6
_LOOK_EVERY = 0.05


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
