"""Compare with flyway-operator, a program of others, side by side: `python -m tests.bench.rival --help`."""

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from tests.api.operator_process import HOME, access
from tests.api.rest import Manifest, RefusedError
from tests.api.shop import until
from tests.bench import conditions, process
from tests.bench.load import Load, percentile
from tests.bench.site import NAMESPACE, Site, site
from tests.bench.table import Row, markdown
from tests.bench.witness import MIGRATIONS, Witness

_THEIRS: Manifest = {"apiVersion": "flyway.davidkarlsen.com/v1alpha1", "kind": "Migration"}
_THEIR_SPEC = {
    "database": {
        "username": "users",
        "credentials": {"name": "users", "key": "password"},
        "jdbcUrl": "jdbc:postgresql://postgres:5432/users",
    },
    "flywayConfiguration": {"commands": ["info", "migrate", "info"]},
    "migrationSource": {"imageRef": "registry.bench/users:1"},
}
_OUR_SPEC = {"source": {"image": "registry.bench/users:1"}}
_LOADS = (Load("calm", 20, per_second=1), Load("brisk", 100, per_second=10))
_PATIENCE = 300.0
_SETTLES = 10.0


@dataclass
class Side:
    """One of the two operators, and what it showed."""

    name: str
    pid: int
    kind: Manifest
    spec: Manifest
    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    """Of a migration, for each time a load was repeated."""
    to_job: dict[str, list[float]] = field(default_factory=dict)
    idle: float = 0.0

    def run(self, here: Site, load: Load, turn: int) -> None:
        """Create migrations at their pace, and wait until all of their Jobs are complete and the operator is idle."""
        witness, used, sent = Witness(here.rest, NAMESPACE), process.cpu_ms(self.pid), {}
        begun = time.monotonic()
        for number in range(load.count):
            time.sleep(max(0.0, begun + number / load.per_second - time.monotonic()))
            name = f"{self.name}-{load.name}-{turn}-{number}"
            sent[name] = time.monotonic()
            here.rest.create(self.kind | {"metadata": {"name": name}, "spec": self.spec}, NAMESPACE)
        end = time.monotonic() + _PATIENCE
        while missing := set(sent) - set(witness.completed):
            if time.monotonic() > end:
                raise TimeoutError(f"{len(missing)} Jobs of {self.name} are not complete")
            time.sleep(0.1)
        time.sleep(3)
        self.cpu_ms.setdefault(load.name, []).append((process.cpu_ms(self.pid) - used) / load.count)
        took = ((witness.created[name] - moment) * 1000 for name, moment in sent.items())
        self.to_job.setdefault(load.name, []).extend(took)


def measure(folder: Path, binary: Path, crds: list[Path], turns: int) -> Iterator[Row]:
    """Run the loads with each in turn; every other time the other one is first."""
    with site(folder) as here, _theirs(here, folder, binary, crds) as pid:
        ours = Side("ours", here.operator.pid, MIGRATIONS, _OUR_SPEC)
        theirs = Side("theirs", pid, _THEIRS, _THEIR_SPEC)
        time.sleep(_SETTLES)
        for side in (ours, theirs):
            side.idle = process.rss_mib(side.pid)
        for side in (ours, theirs):
            side.run(here, Load("warm-up", 5, per_second=2), 0)
        for turn in range(turns):
            for load in _LOADS:
                for side in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
                    side.run(here, load, turn)
        yield from _rows(ours, theirs, process.rss_mib)


def _rows(ours: Side, theirs: Side, memory: Callable[[int], float]) -> Iterator[Row]:
    for load in _LOADS:
        mine, other = ours.cpu_ms[load.name], theirs.cpu_ms[load.name]
        at = f"{load}, {len(mine)} times in turn"
        numbers = (statistics.median(mine), statistics.median(other))
        yield Row("Processor time a migration, ours / theirs", numbers, (None, None), "ms", at)
        ratio = statistics.median(one / two for one, two in zip(mine, other, strict=True))
        yield Row("Ours ÷ theirs", (ratio,), (1.2,), "", f"{at}: {_listed(mine)}; {_listed(other)}")
        for side in (ours, theirs):
            values = side.to_job[load.name]
            spread = (percentile(values, 50), percentile(values, 99))
            yield Row(f"POST → Job, {side.name}: p50 / p99", spread, (None, None), "ms", str(load))
    yield Row("Memory when idle, ours / theirs", (ours.idle, theirs.idle), (None, None), "MiB", "RSS, no object")
    now = (memory(ours.pid), memory(theirs.pid))
    yield Row("Memory after it, ours / theirs", now, (None, None), "MiB", "RSS, the objects of both exist")


def _listed(values: list[float]) -> str:
    return ", ".join(f"{one:.1f}" for one in values)


@contextmanager
def _theirs(here: Site, folder: Path, binary: Path, crds: list[Path]) -> Iterator[int]:
    """Run their operator with its own defaults, but for what needs a pod; yield its process."""
    for path in crds:
        here.rest.create(yaml.safe_load(path.read_text()))
    until(lambda: _is_served(here))
    here.rest.create({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "theirs"}}, HOME)
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": "theirs"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "theirs", "namespace": HOME}],
    }
    here.rest.create(binding)
    kubeconfig = access(here.rest, here.server, "theirs", folder)
    argv = [str(binary), "--leader-elect=false", "--health-probe-bind-address=127.0.0.1:0"]
    with (folder / "theirs.log").open("wb") as log:
        started = subprocess.Popen(
            ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", *argv],
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "KUBECONFIG": str(kubeconfig)},
        )
    try:
        yield started.pid
    finally:
        started.kill()
        started.wait()


def _is_served(here: Site) -> bool:
    try:
        return here.rest.items(_THEIRS, NAMESPACE) == []
    except RefusedError:
        return False


def main() -> None:
    """Print a table; it takes about two minutes a turn."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rival", description=__doc__)
    parser.add_argument("--binary", type=Path, required=True, help="their manager, built by `go build ./cmd`")
    parser.add_argument("--crd", type=Path, required=True, action="append", help="a definition of theirs")
    parser.add_argument("--turns", type=int, default=3, help="how often the loads are run with each")
    given = parser.parse_args()
    before = conditions.load_average()
    with TemporaryDirectory() as folder:
        rows = list(measure(Path(folder), given.binary, given.crd, given.turns))
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.sentence(before)}\n")


if __name__ == "__main__":
    main()
