"""Measure what the admission policies add to the creation of a pod: `python -m tests.bench.admission`."""

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from devcluster.controlplane import ApiServer
from tests.api.chart import INJECTS, Manifest
from tests.api.conftest import connect, install_crd
from tests.api.gates import (
    BY_HOST,
    DIGEST,
    GATE,
    IMAGE,
    LABEL,
    PINNED,
    Door,
    container,
    installed,
    new_namespace,
    pod,
    policies_of,
    said,
)
from tests.api.rest import Rest
from tests.bench import conditions
from tests.bench.process import fine_cpu_ms

_MIGRATIONS = (1, 10, 50, 100, 200, 500)
_ENV = [{"name": f"SETTING_{number}", "value": "a value of some length"} for number in range(20)]
_KNOWN = [f"sha256:{number:064x}" for number in range(15)]


@dataclass(frozen=True)
class Way:
    """One kind of pod, created again and again."""

    what: str
    door: Door
    wanted: Manifest
    pid: int
    """The API server's."""


@dataclass(frozen=True)
class Took:
    """Milliseconds of one creation."""

    all: float
    processor: float
    """Of the API server, whatever it did meanwhile."""


HEAD = (
    "| Pod | median | p99 | more | ratio | processor time, median | more | least |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- |"
)


def main() -> None:
    """Print a table; it takes two minutes on a calm machine."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.admission", description=__doc__)
    parser.add_argument("--pods", type=int, default=50, help="pods of each kind")
    pods = parser.parse_args().pods
    before = conditions.load_average()
    with TemporaryDirectory() as name, ExitStack() as stack:
        plain, bare = stack.enter_context(_server(Path(name) / "plain"))
        rest, served = stack.enter_context(_server(Path(name) / "served"))
        for _ in installed(rest, policies_of(INJECTS)):
            first = Way("no label, no policies installed", Door(plain, new_namespace(plain)), _pod(""), bare)
            took = _took([first, *_ways(rest, served)], pods)
    lines = "\n".join(_lines(took))
    sys.stdout.write(f"{HEAD}\n{lines}\n\nn={pods} each, in ms; {conditions.sentence(before)}\n")


@contextmanager
def _server(folder: Path) -> Iterator[tuple[Rest, int]]:
    """Run an API server; yield a client and its process."""
    server = ApiServer.at(folder)
    try:
        server.start()
        record = json.loads((folder / "pids" / "kube-apiserver.json").read_text())
        with closing(connect(server)) as client:
            install_crd(client)
            yield client, record["pid"]
    finally:
        server.stop()


def _pod(migration: str, image: str = IMAGE) -> Manifest:
    """Return a pod like that of a small service, which no scheduler looks at."""
    app = container(image=image, env=_ENV, volumeMounts=[{"name": "files", "mountPath": "/srv"}])
    wanted = pod(containers=[app], volumes=[{"name": "files", "emptyDir": {}}])
    wanted["metadata"]["labels"] = {LABEL: migration} if migration else {"app": "users"}
    return wanted


def _ways(rest: Rest, pid: int) -> Iterator[Way]:
    """Yield the kinds of pods of the server with policies, when it knows the migrations."""
    yield Way("no label, policies installed", Door(rest, new_namespace(rest)), _pod(""), pid)
    for count in _MIGRATIONS:
        door = Door(rest, new_namespace(rest))
        for number in range(count):
            door.migrate(f"m{number}", database=BY_HOST)
            door.tell({"observedGeneration": 1, "knownImages": [*_KNOWN, DIGEST]}, f"m{number}")
        last = f"m{count - 1}"
        door.when(_pod(last, PINNED), lambda made: said(made).get(GATE) == "Satisfied")
        of = f"{count} migration{'s' if count > 1 else ''} in the namespace"
        yield Way(f"gate put in, {of}", door, _pod(last), pid)
        yield Way(f"image known, {of}", door, _pod(last, PINNED), pid)


def _took(ways: list[Way], pods: int) -> dict[str, list[Took]]:
    """Create one pod of each kind in turn; the first rounds do not count, in which the servers warm up."""
    took: dict[str, list[Took]] = {way.what: [] for way in ways}
    warm = max(1, pods // 5)
    for turn in range(pods + warm):
        for way in ways[turn % len(ways) :] + ways[: turn % len(ways)]:
            busy, begun = fine_cpu_ms(way.pid), time.perf_counter()
            way.door.admit(way.wanted)
            took[way.what].append(Took(1000 * (time.perf_counter() - begun), fine_cpu_ms(way.pid) - busy))
    return {what: found[warm:] for what, found in took.items()}


def _lines(took: dict[str, list[Took]]) -> Iterator[str]:
    base: list[Took] = next(iter(took.values()))
    wall, busy = statistics.median(one.all for one in base), statistics.median(one.processor for one in base)
    for what, found in took.items():
        times, processors = [one.all for one in found], [one.processor for one in found]
        processor = statistics.median(processors)
        median, p99 = statistics.median(times), statistics.quantiles(times, n=100, method="inclusive")[98]
        numbers = (median, p99, median - wall, median / wall, processor, processor - busy, min(processors))
        yield f"| {what} | {' | '.join(f'{number:.1f}' for number in numbers)} |"


if __name__ == "__main__":
    main()
