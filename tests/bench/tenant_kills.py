"""Kill a fleet at random moments: no tenant is migrated twice, none is left. `python -m tests.bench.tenant_kills`."""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.tenants import Stage, stage
from tests.runner.project import base_environment
from tests.runner.server import until

_LONGEST = 4.0
"""Seconds until the kill at the latest."""
_COUNTED = "insert into public.counted select current_schema(), '{}'"


def main() -> None:
    """Print a line for each kill; exit with 1 when a tenant was migrated twice, or not at all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tenants", type=int, default=32)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    words = parser.parse_args()
    sys.stdout.write(f"seed {words.seed}\n")
    dice = random.Random(words.seed)
    with stage() as on:
        names = on.schemas("ws", words.tenants)
        on.database.rows("create table public.counted (schema text, revision text)")
        for number in range(words.kills):
            revision = f"k{number:02}"
            body = f"op.execute({_COUNTED.format(revision)!r})\nop.execute('create table {revision} (id int)')"
            on.project.revision(revision, body)
            _round(on, dice, number)
            _require_once(on, names, revision)


def _round(on: Stage, dice: random.Random, number: int) -> None:
    started = _started(on)
    moment = dice.uniform(0.2, _LONGEST)
    begun = time.monotonic()
    while time.monotonic() - begun < moment and started.poll() is None:
        time.sleep(0.01)
    what = _kill(dice, started)
    started.wait()
    done = on.database.value(f"select count(*) from counted where revision = 'k{number:02}'")
    seconds = on.fleet(argument="tenant={}")
    told = f"after {moment:.1f} s {what}; {done} were done, the next run took {seconds:.1f} s"
    sys.stdout.write(f"{number + 1}: {told}\n")
    sys.stdout.flush()


def _started(on: Stage) -> subprocess.Popen[bytes]:
    tenants = json.dumps({"pattern": "ws\\_%", "argument": "tenant={}"})
    words: list[str | Path] = [sys.executable, on.runner.pyz, "upgrade", "--database", "environment"]
    return subprocess.Popen(
        [*words, "--tenants", tenants, "--result", on.project.folder / "result"],
        cwd=on.project.folder,
        env={**base_environment(), **on.variables},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _kill(dice: random.Random, started: subprocess.Popen[bytes]) -> str:
    """Kill all of it, as the end of a container does; or its first process alone; or one of the others."""
    if started.poll() is not None:
        return "it had ended"
    how = dice.choice(("all", "the first process", "one process"))
    if how == "all":
        os.killpg(started.pid, signal.SIGKILL)
    elif how == "the first process":
        started.kill()
    else:
        members = [pid for pid in _group(started.pid) if pid != started.pid]
        if members:
            os.kill(dice.choice(members), signal.SIGKILL)
        until(lambda: started.poll() is not None, 120, "the end of a fleet without one process")
    return f"{how} was killed"


def _group(leader: int) -> Iterator[int]:
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            yield int(path.parent.name)


def _require_once(on: Stage, names: list[str], revision: str) -> None:
    rows = on.database.rows(f"select schema, count(*) from counted where revision = '{revision}' group by 1")
    found = {str(name): int(count) for name, count in rows}
    wrong = {name: found.get(name, 0) for name in names if found.get(name, 0) != 1}
    if wrong:
        raise SystemExit(f"{revision}: not exactly once: {wrong}")


if __name__ == "__main__":
    main()
