"""Pods with a gate that runs the migration, as the API server tells of them."""

from dataclasses import replace
from typing import Any

from alembic_operator.contract import Result
from alembic_operator.core.manifests import job
from alembic_operator.core.names import GATE_CONTAINER, MIGRATION_LABEL, RUNNER_PATH
from alembic_operator.core.observation.gated_pods import GatedPod, read_gated_pod
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts, containers
from alembic_operator.core.plan import plan
from tests.unit.core.builders import IMAGE, a_spec, at, seen, with_status
from tests.unit.core.workloads import a_deployment

SPEC: Manifest = {"strategy": "InitContainer", "source": {"workloadRef": {"name": "users"}}}
RESTART = "kubectl rollout restart deployment/users makes new ones"
ENV = [{"name": "PGHOST", "value": "postgres"}, {"name": "EMPTY"}]


def by_pods(*pods: GatedPod, spec: Manifest | None = None, image: str = "users:1.4", **changes: Any) -> Observation:
    """Return what is seen of a migration that pods run, of a Deployment whose container has an environment."""
    template = a_deployment()
    template["spec"]["template"]["spec"]["containers"] = [{"name": "app", "image": image, "env": ENV}]
    (parts,) = containers(template).values()
    assert isinstance(parts, PodParts)
    return replace(seen(SPEC | (spec or {}), **changes), source=parts, gated=pods)


def a_gate(**changes: Any) -> Manifest:
    """Return the container as the policy makes it, with more than asked for: a webhook's variable."""
    flags = job.invocation(a_spec(**SPEC)).argv()
    command = ["python3", RUNNER_PATH, *flags]
    env = [*reversed(ENV), {"name": "OF_A_WEBHOOK", "value": "1"}]
    return {"name": GATE_CONTAINER, "image": "users:1.4", "command": command, "env": env} | changes


def a_pod(name: str = "users-abc-1", gate: Manifest | None = None, **status: Any) -> GatedPod:
    """Return a pod of the Deployment; `status` is that of its gate, as the kubelet says it."""
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "users-abc", "uid": "rs", "controller": True}
    labels = {MIGRATION_LABEL: "users", "pod-template-hash": "abc"}
    metadata = {"name": name, "labels": labels, "ownerReferences": [owner], "creationTimestamp": at(-100)}
    said = [{"name": GATE_CONTAINER, "image": "users:1.4", "imageID": IMAGE} | status] if status else []
    return read_gated_pod(
        {
            "metadata": metadata,
            "spec": {"initContainers": [gate or a_gate()]},
            "status": {"phase": "Pending", "initContainerStatuses": said},
        }
    )


def end(code: int, result: Result | str | None, seconds: float) -> Manifest:
    """Return the state of a container that has ended so many seconds after NOW."""
    message = result.to_json() if isinstance(result, Result) else result or ""
    times = {"startedAt": at(seconds - 2), "finishedAt": at(seconds)}
    return {"terminated": times | {"exitCode": code, "message": message, "reason": "Error" if code else "Completed"}}


def passed(name: str, result: Result, seconds: float = -10, **more: Any) -> GatedPod:
    return a_pod(name, state=end(0, result, seconds), **more)


def failed(name: str, code: int, result: Result | str | None, seconds: float = -10) -> GatedPod:
    """Return a pod whose gate failed and will be started again."""
    waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
    return a_pod(name, state=waiting, lastState=end(code, result, seconds))


def at_work(name: str, seconds: float = -5, last: Manifest | None = None) -> GatedPod:
    return a_pod(name, state={"running": {"startedAt": at(seconds)}}, lastState=last or {})


def lived(*looks: tuple[GatedPod, ...], start: Observation | None = None) -> Observation:
    """Look again and again, at other pods each time; return what is seen at last, with the status of the last look."""
    given = start or by_pods()
    for pods in looks:
        given = replace(given, gated=pods)
        given = with_status(given, plan(given).status)
        assert plan(given).status == given.migration.status
    return given
