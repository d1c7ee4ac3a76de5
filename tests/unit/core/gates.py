"""Pods at their gate: raw ones as the API server sends them, and what is read of them."""

from dataclasses import replace
from typing import Any

from alembic_operator.contract import Result
from alembic_operator.core.observation.gated_pods import Gate, GatedPod, Owner, Workload
from alembic_operator.core.observation.gated_workloads import GatedWorkload
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import at

IMAGE = "users:1.4"
"""The image of the migration of `builders.seen()`."""

GATE = Gate(
    image=IMAGE,
    command=("python3", "/alembic-operator/runner.pyz", "gate"),
    running_since="",
    waiting_reason="",
    exit_code=None,
    finished_at="",
    running_image="",
    result=None,
    opened=False,
)


def owned_by(name: str, kind: str = "ReplicaSet") -> Owner:
    return Owner("apps/v1", kind, name, f"uid-of-{name}")


def a_gated_pod(name: str = "users-6d9f-0", of: str = "users-6d9f", **changes: Any) -> GatedPod:
    """Return a pod of the Deployment before the last dash of its ReplicaSet, which was made a minute ago."""
    plain = GatedPod(
        name=name,
        created_at=at(-60),
        owner=owned_by(of),
        workload=Workload("Deployment", of.rpartition("-")[0]),
        ended=False,
        gate_annotation="",
        strategy="",
        gate=GATE,
    )
    return replace(plain, **changes)


def waiting(seconds: float = 60, name: str = "users-6d9f-0", of: str = "users-6d9f", image: str = IMAGE) -> GatedPod:
    """Return a pod that has been at its gate for so long."""
    return a_gated_pod(name, of, gate=replace(GATE, image=image, running_since=at(-seconds)))


def through(name: str = "users-6d9f-0", result: Result | None = None, seconds: float = 1) -> GatedPod:
    """Return a pod that passed its gate so long ago."""
    passed = replace(GATE, exit_code=0, opened=True, finished_at=at(-seconds), result=result)
    return a_gated_pod(name, gate=passed)


def crashing(code: int = 64, name: str = "users-6d9f-0", **changes: Any) -> GatedPod:
    """Return a pod whose gate ends again and again."""
    ended = replace(GATE, exit_code=code, finished_at=at(-20), waiting_reason="CrashLoopBackOff")
    return a_gated_pod(name, gate=replace(ended, **changes))


def a_deployment(name: str = "users", **changes: Any) -> GatedWorkload:
    return GatedWorkload(owned_by(name, "Deployment"), progress_deadline=7200, **changes)


def raw_pod(state: Manifest | None = None, last: Manifest | None = None, **metadata: Any) -> Manifest:
    """Return a pod of ReplicaSet users-6d9f as the API server sends it."""
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "users-6d9f", "uid": "r1", "controller": True}]
    labels = {"alembic-operator.dev/migration": "users", "pod-template-hash": "6d9f"}
    status: Manifest = {"name": "alembic-gate", "image": IMAGE, "imageID": f"registry/users@sha256:{'4' * 64}"}
    status |= {"state": state or {}, "lastState": last or {}}
    return {
        "metadata": {
            "name": "users-6d9f-0",
            "namespace": "shop",
            "uid": "p1",
            "resourceVersion": "1",
            "creationTimestamp": at(-60),
            "labels": labels,
            "ownerReferences": owners,
        }
        | metadata,
        "spec": {
            "initContainers": [
                {"name": "proxy", "image": "proxy:1", "restartPolicy": "Always"},
                {"name": "alembic-gate", "image": IMAGE, "command": list(GATE.command)},
            ],
            "containers": [{"name": "app", "image": IMAGE}],
        },
        "status": {"phase": "Pending", "initContainerStatuses": [{"name": "proxy", "state": {}}, status]},
    }
