"""Measure what a scrape of /metrics costs with 10,000 migrations: `python -m tests.bench.scrape`.

How late the event loop wakes without a scrape, too, tells what of it the machine's other work is to blame for.
"""

import asyncio
import gc
import sys
import threading
import time
from collections import Counter
from collections.abc import Awaitable
from random import Random
from types import SimpleNamespace
from typing import Any, NamedTuple

import uvloop
from prometheus_client.openmetrics.exposition import generate_latest

from alembic_operator.kube.cache import ImportKey, Key
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
    """Return what the worst scrape took, and how late the event loop woke at most, with scrapes and without."""
    informer = Informer(Cache(), WorkQueue[Key | ImportKey](Random(), lambda key: key.namespace, Bounds(8, 64)))
    for number in range(MANY):
        informer.cache.put(MIGRATIONS, migration(number))
    collector = OperatorCollector(informer, SimpleNamespace(asked=Counter()))  # type: ignore[arg-type]
    gc.collect()
    gc.freeze()  # as the operator does when it has started
    clock = await asyncio.to_thread(lambda: time.pthread_getcpuclockid(threading.get_ident()))
    calm = [await _late(asyncio.sleep(1), clock) for _ in range(SCRAPES)]
    sizes: list[int] = []
    took, used, late = [], [], []
    for _ in range(SCRAPES):
        began, before = time.monotonic(), time.clock_gettime(clock)
        late.append(await _late(asyncio.to_thread(_scrape, collector, sizes), clock))
        took.append(time.monotonic() - began)
        used.append(time.clock_gettime(clock) - before)
    where = f"{MANY:,} settled migrations, {sizes[0] / 1e6:.1f} MB, {SCRAPES} scrapes"
    return [
        Row("The slowest scrape / its processor time, at most", (max(took), max(used)), (1, None), "s", where),
        Row("The event loop woke late, at most", (max(late).wall,), (10,), "ms", where),
        Row("Of that the scrape ran for, at most", (max(one.scrape for one in late),), (None,), "ms", where),
        Row("The event loop woke late without a scrape, at most", (max(calm).wall,), (None,), "ms", f"{SCRAPES} s"),
    ]


def _scrape(collector: OperatorCollector, sizes: list[int]) -> None:
    sizes.append(sum(map(len, rendered(collector, generate_latest))))


class _Late(NamedTuple):
    """By how many milliseconds the event loop woke late, and for how many of them the scrape's thread ran."""

    wall: float
    scrape: float


async def _late(meanwhile: Awaitable[None], clock: int) -> _Late:
    """Return the most of both."""
    seen: list[_Late] = []
    pulse = asyncio.create_task(_pulse(seen, clock))
    await meanwhile
    pulse.cancel()
    return _Late(max(one.wall for one in seen), max(one.scrape for one in seen))


async def _pulse(seen: list[_Late], clock: int) -> None:
    while True:
        due, before = time.monotonic() + 0.001, time.clock_gettime(clock)
        await asyncio.sleep(0.001)
        late, ran = time.monotonic() - due, time.clock_gettime(clock) - before
        seen.append(_Late(late * 1e3, min(late, ran) * 1e3))


def main() -> None:
    """Measure, and print a table."""
    before = conditions.load_average()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        rows = runner.run(measure())
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.sentence(before)}\n")


if __name__ == "__main__":
    main()
