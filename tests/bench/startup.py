"""Measure on the real node what a gate adds to the start of a pod: `python -m tests.bench.startup`."""

import argparse
import base64
import json
import ssl
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from http.client import HTTPSConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from alembic_operator.core import names
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.runner_config_map import RunnerConfigMap
from demo import setup
from demo.access import Access
from demo.screen import Screen
from devcluster.commands import output
from devcluster.containerd import CTR
from tests.api.chart import INJECTS, Manifest
from tests.api.gates import BY_SET, GATE, LABEL, Door, policies_of, said
from tests.api.rest import Rest, path_of
from tests.bench import conditions
from tests.bench.table import Row, markdown
from tools import build_runner

NAMESPACE = "bench-startup"
TAGGED = "localhost/users:v1"
PASSWORD = {"name": "postgres", "key": "POSTGRES_PASSWORD"}
NO_GATE, IDLE = "no label", "no label, an init container that runs `true`"
OPEN, KNOWN = "gate, the database is ready", "the image is known"
AIMS = {IDLE: None, OPEN: 1.2, KNOWN: 0.05}
"""Seconds more than without; what an init container costs that does nothing is Kubernetes' part of a gate's."""
PATIENCE = 120.0


def main() -> None:
    """Print a table; it takes about three minutes."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.startup", description=__doc__)
    parser.add_argument("--pods", type=int, default=20, help="pods of each kind")
    pods = parser.parse_args().pods
    before = conditions.load_average()
    with TemporaryDirectory() as folder, ExitStack() as stack:
        access = stack.enter_context(_stage(Path(folder)))
        rest = stack.enter_context(closing(_administrator(access.cluster.kubeconfig, Path(folder))))
        pinned = stack.enter_context(_pinned(TAGGED))
        stack.enter_context(_policies(rest))
        door = Door(rest, NAMESPACE)
        _migrate(door, pinned)
        gated, known = _pod(TAGGED, "users"), _pod(pinned, "users")
        times = _times(door, {NO_GATE: _pod(), IDLE: _with_idle(_pod()), OPEN: gated, KNOWN: known}, pods)
    sys.stdout.write(f"{markdown(_rows(times))}\n\n{conditions.machine(before)}.\n")


@contextmanager
def _stage(folder: Path) -> Iterator[Access]:
    """Have a namespace with PostgreSQL and the runner, without an operator: its part is played here."""
    screen = Screen(colours=False)
    access = setup.start_cluster(screen, NAMESPACE)
    setup.build(screen, next(one for one in setup.recipes() if one.reference == TAGGED))
    try:
        access.kubectl("create", "namespace", NAMESPACE)
        access.kubectl("apply", f"--filename={setup.PROJECT / 'crds'}")
        runner_config_map = RunnerConfigMap(build_runner.build(folder / "runner.pyz").read_bytes(), Cache())
        access.kubectl(
            "apply", "--server-side", "--filename=-", stdin=json.dumps(runner_config_map.manifest(NAMESPACE))
        )
        access.apply("postgres.yaml")
        access.kubectl("rollout", "status", "statefulset/postgres", f"--timeout={PATIENCE:.0f}s")
        yield access
    finally:
        access.kubectl("delete", "statefulsets,pods,persistentvolumeclaims", "--all", "--timeout=60s")
        access.kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")


def _administrator(kubeconfig: Path, folder: Path) -> Rest:
    """Connect as kubectl would."""
    given = yaml.safe_load(kubeconfig.read_text())
    cluster, user = given["clusters"][0]["cluster"], given["users"][0]["user"]
    pem = folder / "administrator.pem"
    pem.touch(mode=0o600)
    pem.write_bytes(b"".join(base64.b64decode(user[f"client-{part}-data"]) for part in ("certificate", "key")))
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    context.load_cert_chain(pem)
    return Rest(cluster["server"], context)


@contextmanager
def _policies(rest: Rest) -> Iterator[None]:
    """Have the policies for this one namespace."""
    manifests = policies_of(INJECTS, "--set", f"watchNamespaces={{{NAMESPACE}}}")
    try:
        for one in manifests:
            rest.apply(one)
        yield
    finally:
        for one in reversed(manifests):
            rest.delete(one)


@contextmanager
def _pinned(reference: str) -> Iterator[str]:
    """Give the node's image a name with its digest, as a registry would, for a while."""
    digest = output([*CTR, "images", "list", f"name=={reference}"]).splitlines()[1].split()[2]
    name = f"localhost/{NAMESPACE}@{digest}"
    output([*CTR, "images", "tag", "--force", reference, name])
    try:
        yield name
    finally:
        output([*CTR, "images", "delete", name])


def _pod(image: str = TAGGED, migration: str = "") -> Manifest:
    """Return a pod that is ready as soon as it runs."""
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    app = {
        "name": "app",
        "image": image,
        "command": ["sleep", "infinity"],
        "envFrom": [{"configMapRef": {"name": "postgres"}}, {"secretRef": {"name": "postgres"}}],
        "resources": {"requests": {"cpu": "20m", "memory": "64Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": restricted,
    }
    labels = {LABEL: migration} if migration else {"app": "users"}
    secure = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "app-", "labels": labels},
        "spec": {"containers": [app], "securityContext": secure, "terminationGracePeriodSeconds": 0},
    }


def _with_idle(plain: Manifest) -> Manifest:
    """Return the pod with an init container of the same image that does nothing."""
    idle = plain["spec"]["containers"][0] | {"name": "idle", "command": ["true"]}
    return plain | {"spec": plain["spec"] | {"initContainers": [idle]}}


def _migrate(door: Door, pinned: str) -> None:
    """Let the gate of a first pod migrate the database, and write down what the operator would."""
    found = door.migrate(database=BY_SET | {"passwordFrom": PASSWORD}, strategy="InitContainer")
    server = {"statefulSet": "postgres", "host": f"postgres.{NAMESPACE}.svc", "port": 5432}
    door.tell({"observedGeneration": 1, "database": server})
    first = _pod(TAGGED, "users")
    door.when(first, lambda made: names.STRATEGY_ANNOTATION in said(made), create=False)
    _start(door, first)
    door.rest.merge(found, {"spec": {"strategy": "Job"}}, NAMESPACE)
    door.tell({"observedGeneration": 2, "knownImages": [pinned.rpartition("@")[2]]})
    door.when(_pod(pinned, "users"), lambda made: said(made).get(GATE) == "Satisfied", create=False)


def _times(door: Door, kinds: dict[str, Manifest], pods: int) -> dict[str, list[float]]:
    """Start one pod of each kind in turn, each alone, the order changing; seconds, without a first round."""
    times: dict[str, list[float]] = {what: [] for what in kinds}
    order = list(kinds)
    for turn in range(pods + 1):
        for what in order[turn % len(order) :] + order[: turn % len(order)]:
            times[what].append(_start(door, kinds[what]))
    return {what: found[1:] for what, found in times.items()}


def _start(door: Door, wanted: Manifest) -> float:
    """Create a pod, and return the seconds until it was seen Ready; delete it, and wait until it is gone."""
    begun = time.perf_counter()
    made = door.admit(wanted)
    seconds = next(time.perf_counter() - begun for event in _watch(door.rest, made) if _is_ready(event))
    door.rest.delete(made, NAMESPACE, gracePeriodSeconds="0")
    next(event for event in _watch(door.rest, made) if event["type"] == "DELETED")
    return seconds


def _watch(rest: Rest, made: Manifest) -> Iterator[dict[str, Any]]:
    name, since = made["metadata"]["name"], made["metadata"]["resourceVersion"]
    host, port = str(rest.connection.host), rest.connection.port
    with closing(HTTPSConnection(host, port, context=rest.context, timeout=PATIENCE)) as connection:
        query = f"watch=1&fieldSelector=metadata.name%3D{name}&resourceVersion={since}"
        connection.request("GET", f"{path_of(made, NAMESPACE)}?{query}")
        yield from map(json.loads, connection.getresponse())


def _is_ready(event: dict[str, Any]) -> bool:
    conditions_ = event["object"]["status"].get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions_)


def _rows(times: dict[str, list[float]]) -> Iterator[Row]:
    told = f"n={len(times[NO_GATE])}"
    for what, found in times.items():
        spread = statistics.median(found), min(found), max(found)
        yield Row(f"{what}: median / fastest / slowest", spread, (None,) * 3, "s", told)
    for what, aim in AIMS.items():
        more = statistics.median(times[what]) - statistics.median(times[NO_GATE])
        turns = [one - plain for one, plain in zip(times[what], times[NO_GATE], strict=True)]
        row = f"{what}: more than without, of the medians / median of the turns"
        yield Row(row, (more, statistics.median(turns)), (aim, None), "s", told)


if __name__ == "__main__":
    main()
