"""Measure what one hostile namespace costs all others: `python -m tests.bench.hostile`."""

import argparse
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.api.rest import RefusedError, Rest
from tests.bench import conditions, crowd, process, steps
from tests.bench.load import Load, Post, percentile, run
from tests.bench.site import NAMESPACE, Site, site
from tests.bench.steps import Step
from tests.bench.table import Row, markdown
from tests.bench.witness import MIGRATIONS, Witness

_SPEC = {"source": {"image": "registry.bench/users:1"}}
_HOSTILE = "hostile"
_PATIENCE = 60.0
"""Seconds that are waited for a Job after the last migration was created."""

_SHORT = Step(0, 0, 0, 0, "none above 20 ms")


@dataclass(frozen=True)
class Size:
    """How many of everything."""

    namespaces: int
    settled: int
    """Migrations that have run, spread over the namespaces, with their Jobs and pods."""
    hostile: int
    dependencies: int
    samples: int
    """Migrations that are created in each part of the measurement, each in another namespace than the one before."""
    per_second: float

    @property
    def each(self) -> int:
        """Settled migrations of one namespace."""
        return self.settled // self.namespaces

    def others(self) -> list[str]:
        """Name the namespaces that mean no harm; the first is where the settled migrations really ran."""
        return [NAMESPACE, *(f"team-{number}" for number in range(1, self.namespaces))]


@dataclass(frozen=True)
class Part:
    """What was seen during one part of the measurement."""

    what: str
    to_job: list[float]
    """Milliseconds from the POST to the Job; those that never came count as long as was waited."""
    posts: list[float]
    """Milliseconds of the POST itself, in which no operator has a part."""
    never: int
    steps: list[Step]
    starts: int
    cpu: float
    """Processors that the operator kept busy."""


class Watchman:
    """Starts the operator again when it has ended, as a kubelet does."""

    def __init__(self, here: Site) -> None:
        self._operator = here.operator
        self.starts = 0
        self._over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Let it be."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(0.2):
            if self._operator.exit_code() is not None:
                self.starts += 1
                self._operator.launch()


@dataclass(frozen=True)
class Field:
    """Where it happens."""

    here: Site
    size: Size
    watchman: Watchman
    steps: Path

    def measure(self, what: str, prefix: str) -> Part:
        """Create migrations in all namespaces but the hostile one, and wait for their Jobs."""
        witness = Witness(self.here.rest, "")
        begun, starts, used = time.monotonic(), self.watchman.starts, process.cpu_ms(self.here.operator.pid)
        posts = self._create(prefix)
        sent = {name: post.sent for name, post in posts.items()}
        end = time.monotonic() + _PATIENCE
        while not set(sent) <= set(witness.created) and time.monotonic() < end:
            time.sleep(0.1)
        now = time.monotonic()
        restarted = self.watchman.starts - starts
        busy = process.cpu_ms(self.here.operator.pid) - (0 if restarted else used)
        return Part(
            what=what,
            to_job=[(witness.created.get(name, now) - moment) * 1000 for name, moment in sent.items()],
            posts=[(post.answered - post.sent) * 1000 for post in posts.values()],
            never=len(set(sent) - set(witness.created)),
            steps=steps.read(self.steps, begun, now),
            starts=restarted,
            cpu=busy / 1000 / (now - begun),
        )

    def _create(self, prefix: str) -> dict[str, Post]:
        posts: dict[str, Post] = {}
        begun, others = time.monotonic(), self.size.others()
        for number in range(self.size.samples):
            time.sleep(max(0.0, begun + number / self.size.per_second - time.monotonic()))
            name = f"{prefix}-{number}"
            manifest = MIGRATIONS | {"metadata": {"name": name}, "spec": _SPEC}
            sent = time.monotonic()
            self.here.rest.create(manifest, others[number * 7 % len(others)])
            posts[name] = Post(sent, time.monotonic())
        return posts

    @contextmanager
    def neighbour(self) -> Iterator[float]:
        """Have the hostile namespace; yield how many seconds it took to create its objects."""
        self.here.rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _HOSTILE}})
        begun = time.monotonic()
        size = f"{self.size.hostile},{self.size.dependencies},10"
        files = self.here.server.plane.pki.folder
        argv = [sys.executable, "-m", "tests.bench.neighbour", self.here.server.url, str(files), _HOSTILE, size]
        with subprocess.Popen(
            ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *argv], stdout=subprocess.PIPE
        ) as neighbour:
            assert neighbour.stdout is not None
            neighbour.stdout.readline()
            yield time.monotonic() - begun
            neighbour.kill()
        rest = self.here.rest
        rest.request("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hostile")
        for number in range(self.size.hostile):
            _delete(rest, f"m{number}")

    def settle(self) -> None:
        """Wait until the operator is ready and has nothing more to do, but not for ever."""
        end = time.monotonic() + _PATIENCE * 5
        while time.monotonic() < end:
            used = process.cpu_ms(self.here.operator.pid)
            time.sleep(2)
            if self.here.operator.is_ready() and process.cpu_ms(self.here.operator.pid) - used < 100:
                return


def measure(folder: Path, size: Size) -> Iterator[Row]:
    """Measure without the hostile namespace, with it, and without it again."""
    noted = folder / "steps.jsonl"
    with site(folder, "operator", steps.noted_in(noted)) as here:
        _settled(here, size)
        watchman = Watchman(here)
        field = Field(here, size, watchman, noted)
        field.settle()
        memory = process.rss_mib(here.operator.pid)
        first = field.measure("alone", "first")
        with field.neighbour() as took:
            beside = field.measure("beside", "beside")
            full = process.rss_mib(here.operator.pid)
        field.settle()
        again = field.measure("alone again", "again")
        watchman.stop()
        lost = here.operator.log.read_text().count('"lease lost"')
    yield Row("Memory", (memory,), (200,), "MiB", f"RSS after a start, {size.settled:,} settled with Jobs and pods")
    yield Row("Memory beside the neighbour", (full,), (None,), "MiB", f"{size.hostile:,} objects more")
    yield from _rows(first, beside, again, lost)
    yield Row("The neighbour's objects are created", (took,), (None,), "s", f"n={size.hostile:,}")


def _settled(here: Site, size: Size) -> None:
    """Let some migrations run, and start the operator anew with copies of them in every namespace."""
    others = size.others()[1:]
    for name in others:
        here.rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    run(here, Load("settled", size.each, per_second=10))
    here.operator.stop()
    crowd.fill(here.server, crowd.moulds(here.rest, NAMESPACE), others)
    here.operator.launch()


def _rows(first: Part, beside: Part, again: Part, lost: int) -> Iterator[Row]:
    for part in (first, beside, again):
        numbers = (percentile(part.to_job, 50), percentile(part.to_job, 99), max(part.to_job))
        yield Row(f"POST → Job, {part.what}: p50 / p99 / slowest", numbers, (None,) * 3, "ms", f"n={len(part.to_job)}")
    alone, posts = [*first.to_job, *again.to_job], [*first.posts, *again.posts]
    ratios = (_ratio(beside.to_job, alone, 50), _ratio(beside.to_job, alone, 99))
    yield Row("POST → Job, beside ÷ alone: p50 / p99", ratios, (2, None), "", "in one run")
    control = (_ratio(beside.posts, posts, 50), _ratio(beside.posts, posts, 99))
    yield Row("The POST itself, beside ÷ alone: p50 / p99", control, (None, None), "", "no operator has a part in it")
    yield Row("Jobs that never came beside the neighbour", (beside.never,), (0,), "", f"n={len(beside.to_job)}")
    yield Row("Leases lost", (lost,), (0,), "", "a Lease of 12 s")
    yield Row("Starts beside the neighbour", (beside.starts,), (0,), "", "the operator had ended")
    for part in (first, beside, again):
        longest = max(part.steps, key=lambda one: one.cpu_ms, default=_SHORT)
        slowest = max((one.ms for one in part.steps), default=0.0)
        what = f"Longest step of the event loop, {part.what}: processor / of it garbage / wall"
        yield Row(what, (longest.cpu_ms, longest.gc_ms, slowest), (50, None, None), "ms", longest.what)
        yield Row(f"Processors busy, {part.what}", (part.cpu,), (None,), "", "the operator's own time")


def _ratio(beside: list[float], alone: list[float], percent: int) -> float:
    return percentile(beside, percent) / percentile(alone, percent)


def _delete(rest: Rest, name: str) -> None:
    try:
        rest.delete(MIGRATIONS | {"metadata": {"name": name}}, _HOSTILE)
    except RefusedError as refused:
        if refused.code != 404:
            raise


def main() -> None:
    """Print a table; it takes about ten minutes on a calm machine, and with --settled 450 two."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.hostile", description=__doc__)
    parser.add_argument("--namespaces", type=int, default=99, help="that mean no harm")
    parser.add_argument("--settled", type=int, default=9_900, help="migrations in them that have run")
    parser.add_argument("--hostile", type=int, default=2_000, help="migrations of the hostile namespace")
    parser.add_argument("--dependencies", type=int, default=32, help="of each of these")
    parser.add_argument("--samples", type=int, default=100, help="migrations that are timed in each of three parts")
    size = Size(per_second=2, **vars(parser.parse_args()))
    before = conditions.load_average()
    with TemporaryDirectory() as folder:
        rows = list(measure(Path(folder), size))
    sys.stdout.write(f"{markdown(rows)}\n\n{size}; {conditions.sentence(before)}\n")


if __name__ == "__main__":
    main()
