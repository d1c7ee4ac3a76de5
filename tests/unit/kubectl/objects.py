"""Objects as a cluster has them, for the tests of this folder."""

from datetime import UTC, datetime
from typing import Any

NOW = datetime(2026, 11, 30, 3, 30, tzinfo=UTC)
SINCE = "2026-11-30T03:12:07Z"
MESSAGE = (
    "revision b2: SQLSTATE 42P01: relation [user] does not exist; correct the revision;"
    f" 3 pods of Deployment users held since {SINCE}, for revision b2"
)


def migration(type_: str = "Ready", reason: str = "UpToDate", message: str = "", **status: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True" if type_ == "Ready" else "False"}
    kinds = [ready] if type_ == "Ready" else [ready, {"type": type_, "status": "True"}]
    told = {"reason": reason, "message": message, "lastTransitionTime": SINCE, "observedGeneration": 2}
    return {
        "metadata": {"namespace": "shop", "name": "users", "generation": 2},
        "spec": {"source": {"image": "shop:2"}},
        "status": {"observedGeneration": 2, "conditions": [one | told for one in kinds]} | status,
    }


def stalled() -> dict[str, Any]:
    last = {"job": "users-0123456789", "attempt": 1, "finishedAt": SINCE, "outcome": "RevisionFailed"}
    error = {"statement": "ALTER TABLE [user] ADD COLUMN email_address_of_the_person_who_pays varchar"}
    revisions = {"current": ["a1"], "target": ["b2"], "pending": 1}
    return migration(
        "Stalled", "RevisionFailed", MESSAGE, heldPods=3, revisions=revisions, lastRun=last | {"error": error}
    )


def pod(*, label: str = "users", gate: dict[str, Any] | None = None, annotation: str = "") -> dict[str, Any]:
    init = [{"name": "alembic-gate", "image": "shop:2", "command": ["python", "gate"]}] if gate is not None else []
    return {
        "metadata": {
            "name": "users-1",
            "namespace": "shop",
            "creationTimestamp": SINCE,
            "labels": {"alembic-operator.dev/migration": label} if label else {},
            "annotations": {"alembic-operator.dev/gate": annotation} if annotation else {},
        },
        "spec": {"initContainers": init},
        "status": {"initContainerStatuses": [{"name": "alembic-gate", "state": gate}] if gate else []},
    }


WAITING = {"running": {"startedAt": SINCE}}
OPEN = {"terminated": {"exitCode": 0}}


def held_pod(
    name: str = "users-2", *, owner: str = "", namespace: str = "shop", label: str = "users"
) -> dict[str, Any]:
    """Return a pod at its gate, of a ReplicaSet where one is named."""
    found = pod(gate=WAITING, label=label)
    found["metadata"] |= {"name": name, "namespace": namespace}
    return owned(found, owner)


def owned(raw: dict[str, Any], replica_set: str) -> dict[str, Any]:
    if replica_set:
        hashed = replica_set.rpartition("-")[2]
        owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "uid": "1", "controller": True}
        raw["metadata"]["ownerReferences"] = [owner]
        raw["metadata"]["labels"]["pod-template-hash"] = hashed
    return raw


def operator(*serves: str, ready: int = 1) -> dict[str, Any]:
    """Return the chart's Deployment."""
    labels = {"app.kubernetes.io/instance": "alembic", "app.kubernetes.io/name": "alembic-operator"}
    args = ["run", "--health-port=8080", *(f"--namespace={one}" for one in serves)]
    return {
        "metadata": {"namespace": "migrations", "name": "alembic-operator", "labels": labels},
        "spec": {"template": {"spec": {"containers": [{"name": "operator", "args": args}]}}},
        "status": {"readyReplicas": ready},
    }


DENIED = (
    "Error creating: pods \"users-6d9f-\" is forbidden: ValidatingAdmissionPolicy 'alembic-operator-gate' with binding"
    " 'alembic-operator-gate' denied request: there is no DatabaseMigration users in namespace shop yet, or the address"
    " of its StatefulSet is not known yet (kubectl get dbm users), or the MutatingAdmissionPolicy alembic-operator-gate"
    " is gone: this pod cannot wait for it. It is tried again, less and less often; take the label"
    " alembic-operator.dev/migration away, or set the annotation alembic-operator.dev/gate to Skip, to start it all the"
    " same"
)


def event(
    message: str = DENIED, kind: str = "ReplicaSet", name: str = "users-6d9f", last: str = SINCE
) -> dict[str, Any]:
    """Return the Event of a refused pod."""
    about = {"kind": kind, "name": name, "namespace": "shop"}
    return {"involvedObject": about, "message": message, "reason": "FailedCreate", "lastTimestamp": last}


def replica_set(*, label: str = "users", wanted: int = 2, has: int = 0) -> dict[str, Any]:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "users", "uid": "2", "controller": True}
    return {
        "kind": "ReplicaSet",
        "metadata": {"name": "users-6d9f", "namespace": "shop", "ownerReferences": [owner]},
        "spec": {
            "replicas": wanted,
            "template": {"metadata": {"labels": {"alembic-operator.dev/migration": label} if label else {}}},
        },
        "status": {"replicas": has},
    }
