"""Create migrations at a pace, and measure what comes of them."""

import statistics
import time
from collections import Counter
from dataclasses import dataclass

from tests.bench import process
from tests.bench.site import NAMESPACE, Site, reads, writes
from tests.bench.witness import MIGRATIONS, Witness

_PATIENCE = 600.0
_SPEC = {"source": {"image": "registry.bench/users:1"}}


@dataclass(frozen=True)
class Load:
    """So many migrations, so fast."""

    name: str
    count: int
    per_second: float

    def names(self) -> list[str]:
        """Name the migrations."""
        return [f"{self.name}-{number}" for number in range(self.count)]

    def __str__(self) -> str:
        return f"n={self.count:,} at {self.per_second:g}/s"


@dataclass(frozen=True)
class Post:
    """When a migration was sent to the API server, and when the answer came, on the monotonic clock."""

    sent: float
    answered: float


@dataclass(frozen=True)
class Measured:
    """What a load showed."""

    load: Load
    from_post: list[float]
    """Milliseconds from sending the POST of each migration to seeing its Job."""
    to_job: list[float]
    """Milliseconds from the POST's answer, when the migration exists, to seeing its Job."""
    to_status: list[float]
    """Milliseconds from seeing the Job complete to seeing Ready=True."""
    cpu_ms: float
    """Processor time of the operator, per migration."""
    writes: Counter[str]
    reads: Counter[str]

    def writes_each(self, *, events: bool) -> float:
        """Return the writes per migration, with or without Events."""
        counted = sum(count for name, count in self.writes.items() if events or name != "create events")
        return counted / self.load.count

    def reads_each(self) -> float:
        """Return the reads per migration."""
        return self.reads.total() / self.load.count


def run(site: Site, load: Load) -> Measured:
    """Create the migrations at their pace, wait until all are Ready."""
    witness = Witness(site.rest, NAMESPACE)
    before, used = len(site.requests()), process.cpu_ms(site.operator.pid)
    posts = _create(site, load)
    _wait(witness, load)
    time.sleep(2)  # for the last echo and the audit log's batch
    requests = site.requests()[before:]
    return Measured(
        load=load,
        from_post=[(witness.created[name] - post.sent) * 1000 for name, post in posts.items()],
        to_job=[(witness.created[name] - post.answered) * 1000 for name, post in posts.items()],
        to_status=[(witness.ready[name] - witness.completed[name]) * 1000 for name in posts],
        cpu_ms=(process.cpu_ms(site.operator.pid) - used) / load.count,
        writes=writes(requests),
        reads=reads(requests),
    )


def _create(site: Site, load: Load) -> dict[str, Post]:
    posts: dict[str, Post] = {}
    start = time.monotonic()
    for number, name in enumerate(load.names()):
        time.sleep(max(0.0, start + number / load.per_second - time.monotonic()))
        sent = time.monotonic()
        site.rest.create(MIGRATIONS | {"metadata": {"name": name}, "spec": _SPEC}, NAMESPACE)
        posts[name] = Post(sent, time.monotonic())
    return posts


def _wait(witness: Witness, load: Load) -> None:
    end = time.monotonic() + _PATIENCE
    while missing := [name for name in load.names() if name not in witness.ready]:
        if time.monotonic() > end:
            raise TimeoutError(f"{len(missing)} of {load.count} migrations are not Ready, such as {missing[0]}")
        time.sleep(0.1)


def percentile(values: list[float], percent: int) -> float:
    """Return a percentile; the 50th is the median."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
