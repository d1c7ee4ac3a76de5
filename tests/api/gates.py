"""Pods that ask for a gate, and the admission policies of the chart that answer them."""

import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from tests.api.chart import Manifest, render
from tests.api.conftest import DEADLINE, PACE
from tests.api.rest import RefusedError, Rest

LABEL = "alembic-operator.dev/migration"
RUN = "alembic-operator.dev/run"
CONTAINER = "alembic-operator.dev/container"
GATE = "alembic-operator.dev/gate"
STRATEGY = "alembic-operator.dev/strategy"
IMAGE = "registry.test/users:1"
DIGEST = "sha256:" + "a" * 64
PINNED = f"registry.test/users:1@{DIGEST}"
KEY = {"name": "postgres", "key": "POSTGRES_USER"}
BY_HOST = {"host": "postgres.shop.svc", "name": "shop", "userFrom": KEY}
BY_SET = {"statefulSetRef": {"name": "postgres"}, "name": "shop", "userFrom": KEY}
ADDRESS = {"statefulSet": "postgres", "host": "postgres-headless.shop.svc", "port": 6432}
INJECTION: Manifest = {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingAdmissionPolicy"}
JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "users-0123456789", "uid": "j", "controller": True}
POLICIES = (INJECTION["kind"], "ValidatingAdmissionPolicy")


def pod(annotations: dict[str, str] | None = None, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """Return a pod that waits for the migration `users`: the smallest one, unless told otherwise."""
    metadata: Manifest = {"generateName": "web-", "labels": {LABEL: "users"} | (labels or {})}
    metadata |= {"annotations": annotations} if annotations is not None else {}
    spec = {"containers": [container()]} | spec
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec}


def a_run(annotations: dict[str, str] | None = None, **spec: Any) -> Manifest:
    """Return a pod of a Job of the migration `users`, as the Job controller makes it."""
    made = pod(annotations, {RUN: "users"}, **spec)
    made["metadata"]["ownerReferences"] = [JOB]
    return made


def container(name: str = "app", image: str = IMAGE, **fields: Any) -> Manifest:
    """Return a container."""
    return {"name": name, "image": image} | fields


def sidecar(name: str) -> Manifest:
    """Return a native sidecar."""
    return container(name, restartPolicy="Always")


def inits(made: Manifest) -> list[str]:
    """Return the names of a pod's init containers, in their order."""
    return [one["name"] for one in made["spec"].get("initContainers", ())]


def gate(made: Manifest) -> Manifest:
    """Return the gate of a pod: the only one."""
    (found,) = [one for one in made["spec"].get("initContainers", ()) if one["name"] == "alembic-gate"]
    return dict(found)


def said(made: Manifest) -> dict[str, str]:
    """Return a pod's annotations."""
    return dict(made["metadata"].get("annotations") or {})


@dataclass(frozen=True)
class Door:
    """One namespace, and what is asked of its API server."""

    rest: Rest
    namespace: str

    def migrate(self, name: str = "users", **spec: Any) -> Manifest:
        """Make a migration, and return it with its defaults."""
        manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}}
        made: Manifest = self.rest.create(manifest | {"spec": {"source": {"image": IMAGE}} | spec}, self.namespace)
        return made

    def tell(self, status: Manifest, name: str = "users") -> None:
        """Write a migration's status, as the operator does."""
        manifest = {"apiVersion": API_VERSION, "kind": KIND, "metadata": {"name": name}}
        self.rest.merge(manifest, {"status": status}, self.namespace, "status")

    def admit(self, wanted: Manifest, **query: str) -> Manifest:
        """Create a pod, and return what became of it."""
        made: Manifest = self.rest.create(wanted, self.namespace, **query)
        return made

    def refuse(self, wanted: Manifest) -> str:
        """Return with which words a pod is refused."""
        with pytest.raises(RefusedError) as refusal:
            self.rest.create(wanted, self.namespace)
        return refusal.value.message

    def gated(self, wanted: Manifest | None = None) -> Manifest:
        """Return the gate of a new pod, when the API server has come to know what was told of its migration."""
        return gate(self.when(wanted or pod(), lambda made: "alembic-gate" in inits(made)))

    def when(
        self, wanted: Manifest, is_so: Callable[[Manifest], bool], within: float = DEADLINE, *, create: bool = True
    ) -> Manifest:
        """Try a pod until it would be admitted as wanted: policies see a change a moment later; then create it."""
        end = time.monotonic() + within
        while True:
            try:
                made = self.admit(wanted, dryRun="All")
            except RefusedError as refused:
                told: Any = refused
            else:
                if is_so(made):
                    return self.admit(wanted) if create else made
                told = made
            if time.monotonic() > end:
                pytest.fail(f"still {told} after {within:.0f} s")
            time.sleep(PACE)

    def when_refused(self, wanted: Manifest) -> str:
        """Try a pod until it is refused, and return the words."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            try:
                self.admit(wanted, dryRun="All")
            except RefusedError as refused:
                return refused.message
            time.sleep(PACE)
        pytest.fail(f"still admitted after {DEADLINE:.0f} s")


def policies_of(*arguments: str) -> list[Manifest]:
    """Render the policies of the gate and their bindings."""
    found = [one for one in render(*arguments) if one["kind"].startswith(POLICIES)]
    return [one for one in found if one["metadata"]["name"].endswith("-gate")]


def demand_injection(rest: Rest) -> None:
    """Skip the test where the API server cannot put gates into pods: before Kubernetes 1.36."""
    if not rest.serves(INJECTION):
        pytest.skip(f"Kubernetes 1.{rest.minor()} serves no {INJECTION['kind']} of v1: it cannot add the gate")


def installed(rest: Rest, manifests: list[Manifest], namespace: str = "") -> Iterator[None]:
    """Install policies, wait until they refuse and, where they do, inject; take them away again, and wait for that.

    A migration `probe` is made for that, in a namespace that they serve. The test is skipped where the API server does
    not know their kind.
    """
    injects = any(one["kind"] == INJECTION["kind"] for one in manifests)
    if injects:
        demand_injection(rest)
    for one in manifests:
        rest.create(one)
    door = Door(rest, namespace or new_namespace(rest))
    door.migrate("probe")
    labels = {LABEL: "probe"}
    door.when_refused(pod({CONTAINER: "nobody"}, labels))
    if injects:
        door.when(pod(labels=labels), lambda made: bool(inits(made)), create=False)
    yield
    for one in reversed(manifests):
        rest.delete(one)
    door.when(pod({CONTAINER: "nobody"}, labels), lambda made: not inits(made), create=False)


def new_namespace(rest: Rest, **labels: str) -> str:
    """Make a namespace."""
    name = f"gate-{uuid.uuid4().hex[:10]}"
    rest.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}})
    return name
