"""Play seeds of projects and faults and count broken promises: `python -m tests.bench.chaos --seeds 200`."""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.runner import server
from tests.runner.chaos.play import DURABLE, Play, Story
from tools import build_runner


def main() -> int:
    """Play the seeds, say what each came to, and return 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.chaos", description=__doc__)
    parser.add_argument("--seeds", type=int, default=20, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first one")
    parser.add_argument("--server", default=server.DEFAULT, help="PostgreSQL's major version: 16, 18, or Debian's")
    parser.add_argument("--keep", type=Path, help="a folder for the logs; without it they are gone")
    given = parser.parse_args()
    before, begun = conditions.load_average(), time.monotonic()
    with TemporaryDirectory() as scratch, server.own(DURABLE, version=given.server) as own:
        pyz = build_runner.build(Path(scratch) / "runner.pyz")
        stories = []
        for seed in range(given.first, given.first + given.seeds):
            folder = (given.keep or Path(scratch)) / str(seed)
            folder.mkdir(parents=True)
            stories.append(Play(seed, own, pyz, folder).play())
            _tell(stories[-1])
    sys.stdout.write(f"{_sum(stories)}; {time.monotonic() - begun:.0f} s. {conditions.machine(before)}.\n")
    return int(any(story.broken for story in stories))


def _tell(story: Story) -> None:
    verdict = "; ".join(dict.fromkeys(story.broken)) or "held"
    facts = f"{_counted(story.faults)} | {_counted(story.ends)}"
    sys.stdout.write(f"seed {story.seed} ({story.driver}): {verdict} | {facts}\n")
    sys.stdout.flush()


def _sum(stories: list[Story]) -> str:
    faults, ends = (sum((getattr(one, name) for one in stories), Counter[str]()) for name in ("faults", "ends"))
    broken = [story.seed for story in stories if story.broken]
    stops = f"{sum(one.partly for one in stories)} repairs of a part, {sum(one.met for one in stories)} of an index"
    return (
        f"{len(stories)} seeds, broken: {broken or 'none'}; faults: {_counted(faults)}; ends: {_counted(ends)}; {stops}"
    )


def _counted(counter: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counter.items()))


if __name__ == "__main__":
    sys.exit(main())
