"""Measure what a scrape of /metrics costs with 10,000 migrations: `python -m tests.bench.scrape`."""

import asyncio
import sys
import time
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import uvloop
from prometheus_client import generate_latest

from alembic_operator.kube.cache import Key
from alembic_operator.kube.cache.cache import Cache
from alembic_operator.kube.cluster import MIGRATIONS
from alembic_operator.shell.informer import Informer
from alembic_operator.shell.metrics.collector import OperatorCollector
from alembic_operator.shell.metrics.endpoint import rendered
from alembic_operator.shell.queue import Bounds, WorkQueue
from tests.bench import conditions
from tests.bench.table import Row, markdown

MANY, SCRAPES = 10_000, 10
_AT, _END = "2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"


def migration(number: int) -> dict[str, Any]:
    """Return a migration that has run well."""
    ready = {"type": "Ready", "status": "True", "reason": "UpToDate", "message": "", "lastTransitionTime": _AT}
    run = {"job": "users-1", "attempt": 1, "startedAt": _AT, "finishedAt": _END, "outcome": "UpToDate"}
    status = {
        "observedGeneration": 1,
        "image": f"registry.bench/users@sha256:{'0' * 64}",
        "conditions": [ready],
        "revisions": {"current": ["b2"], "target": ["b2"], "pending": 0},
        "lastRun": run | {"applied": [{"revision": "b2", "seconds": 1.5}]},
        "history": [{"finishedAt": _END, "outcome": "UpToDate"}],
    }
    metadata = {"namespace": f"ns{number % 100}", "name": f"m{number}", "uid": str(number), "generation": 1}
    spec = {"source": {"image": "registry.bench/users:1"}}
    return {"metadata": metadata | {"resourceVersion": str(number + 1)}, "spec": spec, "status": status}


async def measure() -> list[Row]:
    """Return the seconds of the slowest scrape, and how late the event loop woke at most meanwhile."""
    informer = Informer(Cache(), WorkQueue[Key](Random(), lambda key: key.namespace, Bounds(8, 64)))
    for number in range(MANY):
        informer.cache.put(MIGRATIONS, migration(number))
    collector = OperatorCollector(informer, SimpleNamespace(asked=Counter()))  # type: ignore[arg-type]
    late: list[float] = []
    pulse = asyncio.create_task(_pulse(late))
    took, size = [], 0
    for _ in range(SCRAPES):
        began = time.monotonic()
        size = sum(map(len, await asyncio.to_thread(rendered, collector, generate_latest)))
        took.append(time.monotonic() - began)
    pulse.cancel()
    where = f"{MANY:,} settled migrations, {size / 1e6:.1f} MB, {SCRAPES} scrapes"
    return [
        Row("The slowest scrape", (max(took),), (1,), "s", where),
        Row("The event loop woke late, at most", (max(late) * 1e3,), (10,), "ms", where),
    ]


async def _pulse(late: list[float]) -> None:
    while True:
        due = time.monotonic() + 0.001
        await asyncio.sleep(0.001)
        late.append(time.monotonic() - due)


def main() -> None:
    """Measure, and print a table."""
    before = conditions.load_average()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(measure())
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.sentence(before)}\n")


if __name__ == "__main__":
    main()
