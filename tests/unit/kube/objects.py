"""Raw objects as the API server sends them."""

from collections.abc import AsyncIterator, Iterable
from typing import Any

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.runner_config_map import RunnerConfigMap

OPERATOR_LABEL = {"app.kubernetes.io/managed-by": "alembic-operator"}

RUNNER_CONTENT = b"#!/usr/bin/env python3\n\x00zip"


def a_runner_config_map(cache: Cache | None = None, content: bytes = RUNNER_CONTENT) -> RunnerConfigMap:
    """Return a runner that no namespace is known to have."""
    return RunnerConfigMap(content, cache or Cache())


def metadata(name: str, version: int, namespace: str = "shop", **more: Any) -> Manifest:
    return {"name": name, "namespace": namespace, "uid": f"uid-of-{name}", "resourceVersion": str(version)} | more


def a_migration(name: str = "users", version: int = 1, namespace: str = "shop", **spec: Any) -> Manifest:
    return {
        "metadata": metadata(name, version, namespace, generation=1),
        "spec": {"source": {"image": "users:1.4"}} | spec,
    }


def of_a_run(name: str, version: int, of: str, namespace: str, **more: Any) -> Manifest:
    labels = OPERATOR_LABEL | {"alembic-operator.dev/run": of}
    return metadata(name, version, namespace, labels=labels, creationTimestamp="2026-03-01T12:00:00Z", **more)


def a_job(
    name: str = "users-1", version: int = 1, of: str = "users", namespace: str = "shop", **status: Any
) -> Manifest:
    owner = {"apiVersion": "alembic-operator.dev/v1alpha1", "kind": "DatabaseMigration"}
    owners = [owner | {"name": of, "uid": f"uid-of-{of}", "controller": True}]
    return {"metadata": of_a_run(name, version, of, namespace, ownerReferences=owners), "status": status}


def finished(outcome: str = "Complete", **more: Any) -> Manifest:
    """Return the status of a Job that has ended."""
    condition = {"type": outcome, "status": "True", "lastTransitionTime": "2026-03-01T12:05:00Z"}
    return {"startTime": "2026-03-01T12:00:00Z", "conditions": [condition | more]}


def a_pod(name: str, version: int = 1, of: str = "users", job: str = "users-1", **status: Any) -> Manifest:
    owners = [{"apiVersion": "batch/v1", "kind": "Job", "name": job, "uid": f"uid-of-{job}", "controller": True}]
    return {"metadata": of_a_run(name, version, of, "shop", ownerReferences=owners), "status": status}


def a_gated_pod(
    name: str = "users-6d9f-0", version: int = 1, of: str = "users", state: Manifest | None = None, **more: Any
) -> Manifest:
    """Return a pod of ReplicaSet users-6d9f that waits for a migration."""
    owners = [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "users-6d9f", "uid": "r1", "controller": True}]
    labels = {"alembic-operator.dev/migration": of, "pod-template-hash": "6d9f"}
    about = metadata(name, version, labels=labels, ownerReferences=owners, creationTimestamp="2026-03-01T12:00:00Z")
    gate = {"name": "alembic-gate", "image": "users:1.4"}
    return {
        "metadata": about | more,
        "spec": {"initContainers": [gate]},
        "status": {"initContainerStatuses": [gate | {"state": state or {}}]},
    }


def a_gated_workload(name: str = "users", version: int = 1, of: str = "users", **spec: Any) -> Manifest:
    """Return a workload whose pods wait for a migration."""
    raw = a_workload(name, version, **spec)
    raw["spec"]["template"]["metadata"] = {"labels": {"alembic-operator.dev/migration": of} if of else {}}
    return raw


def a_workload(name: str = "users", version: int = 1, image: str = "users:1.4", **spec: Any) -> Manifest:
    template = {"spec": {"containers": [{"name": "app", "image": image}]}}
    return {"metadata": metadata(name, version), "spec": {"template": template} | spec}


def uses_workload(name: str = "users", kind: str = "Deployment") -> Manifest:
    return {"source": {"workloadRef": {"kind": kind, "name": name}}}


def uses_server(name: str = "postgres") -> Manifest:
    return {
        "database": {
            "statefulSetRef": {"name": name},
            "name": "shop",
            "userFrom": {"name": "users-db", "key": "user"},
        }
    }


def depends_on(*names: str) -> Manifest:
    return {"dependsOn": [{"name": name} for name in names]}


async def each(objects: Iterable[Manifest]) -> AsyncIterator[Manifest]:
    """Read them as from a list of the API server."""
    for raw in objects:
        yield raw
