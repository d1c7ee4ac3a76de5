"""Whole objects as a cluster has them, with every field that a reader looks at."""

import json
from typing import Any

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import ON_POSTGRES, UID, UP_TO_DATE, at
from tests.unit.core.migrating_pods import a_gate
from tests.unit.core.workloads import a_deployment, a_postgres

RUN = {names.MIGRATION_LABEL: "users", names.RUN_LABEL: "users", names.MANAGED_BY: names.OPERATOR}
GATED = {names.MIGRATION_LABEL: "users", "pod-template-hash": "abc"}
JOB = "users-0123456789"
ERROR = {"sqlstate": "55P03", "revision": "b2", "statement": "ALTER", "message": "lock", "hint": "wait"}


def metadata(name: str, **more: Any) -> Manifest:
    return {"name": name, "namespace": "shop", "uid": f"uid-{name}", "resourceVersion": "7", "generation": 2} | {
        "creationTimestamp": at(-100),
        **more,
    }


def owner(kind: str, name: str, uid: str) -> list[Manifest]:
    return [{"apiVersion": "v1", "kind": kind, "name": name, "uid": uid, "controller": True}]


RUN_STATUS = {"attempt": 1, "startedAt": at(-60), "finishedAt": at(-50), "from": ["a1"], "to": ["b2"]}

GROUP = {"count": 2, "names": ["ws_1", "ws_2"], "reason": "RevisionFailed", **ERROR}
TENANTS = {
    "total": 128,
    "behind": 6,
    "failed": 2,
    "failures": [GROUP],
    "drifted": 1,
    "slowest": "ws_7",
    "phase": "Canary",
}

STATUS: Manifest = {
    "observedGeneration": 2,
    "conditions": [
        {"type": "Ready", "status": "False", "reason": "LockTimeout", "message": "m", "lastTransitionTime": at(-50)},
        {"type": "Reconciling", "status": "True", "reason": "LockTimeout", "message": "m"}
        | {"lastTransitionTime": at(-50), "observedGeneration": 2},
    ],
    "image": "registry/users@sha256:4242",
    "revisions": {"current": ["b2"], "target": ["b2"], "pending": 0},
    "database": {"statefulSet": "postgres", "host": "postgres-headless.shop.svc", "port": 6432},
    "lastRun": RUN_STATUS
    | {"job": JOB, "applied": [{"revision": "b2", "seconds": 1.5}], "appliedCount": 1}
    | {"outcome": "LockTimeout", "error": ERROR, "warnings": ["look"]},
    "tenants": TENANTS
    | {"shown": "120/128", "upToDate": 120, "driftedNames": ["ws_3"], "etaSeconds": 9, "silent": ["us"]},
    "history": [{"finishedAt": at(-50), "from": ["a1"], "to": ["b2"], "outcome": "LockTimeout"}],
    "knownImages": ["sha256:4242"],
    "heldPods": 1,
}

SPEC: Manifest = {
    "source": {"workloadRef": {"kind": "Deployment", "name": "users", "container": "app"}},
    "alembic": {"config": "alembic.ini", "target": "heads", "xArguments": ["tenant=acme"]},
    "policy": {"deadline": "1h", "lockTimeout": "2s", "backoffLimit": 3, "databaseAhead": "Block"},
    "dependsOn": [{"name": "agents"}],
    "jobTemplate": {"spec": {"template": {"spec": {"containers": [{"name": "migrate", "env": [{"name": "A"}]}]}}}},
    "tenants": {"pattern": r"ws\_%", "rollout": {"canary": ["1%"], "maxFailures": 3}, "every": "10m"},
    "strategy": "Job",
    "suspend": False,
    **ON_POSTGRES,
}

MIGRATION: Manifest = {
    "apiVersion": API_VERSION,
    "kind": KIND,
    "metadata": metadata("users", annotations={names.RETRY: "2"}) | {"uid": UID},
    "spec": SPEC,
    "status": STATUS,
}

CONDITION = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "lastTransitionTime": at(-20)}

A_JOB: Manifest = {
    "metadata": metadata(
        JOB,
        labels=RUN,
        annotations={names.ATTEMPT: "2", names.SERVERS: "eu,us"},
        ownerReferences=owner(KIND, "users", UID),
        generation=1,
    ),
    "spec": {"template": {"spec": {"containers": [{"name": names.CONTAINER, "image": "users:1.4"}]}}},
    "status": {"startTime": at(-90), "completionTime": at(-20), "failed": 1, "conditions": [CONDITION]},
}

ENDED = {"exitCode": 0, "message": UP_TO_DATE.to_json(), "reason": "Completed", "startedAt": at(-50)} | {
    "finishedAt": at(-40)
}
WAITING = {"waiting": {"reason": "CreateContainerConfigError", "message": 'secret "users-db" not found'}}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}


def container(name: str, **state: Any) -> Manifest:
    return {"name": name, "image": "users:1.4", "imageID": "docker-pullable://registry/users@sha256:4242"} | state


A_POD: Manifest = {
    "metadata": metadata(
        f"{JOB}-x",
        labels=RUN | {names.INDEX_LABEL: "1"},
        annotations={names.SERVERS: "eu,us"},
        ownerReferences=owner("Job", JOB, "j1"),
    ),
    "spec": {"containers": [{"name": names.CONTAINER, "image": "registry/users@sha256:4242"}]},
    "status": {
        "phase": "Succeeded",
        "conditions": [UNSCHEDULABLE],
        "initContainerStatuses": [container("install", state={"terminated": ENDED | {"message": ""}})],
        "containerStatuses": [
            container(names.CONTAINER, state={"terminated": ENDED}),
            container("proxy", state=WAITING),
        ],
    },
}

A_GATED_POD: Manifest = {
    "metadata": metadata(
        "users-abc-1",
        labels=GATED,
        annotations={names.GATE_ANNOTATION: names.SKIP, names.STRATEGY_ANNOTATION: "InitContainer"},
        ownerReferences=owner("ReplicaSet", "users-abc", "rs"),
    ),
    "spec": {"initContainers": [a_gate(args=["-x", "a=b"], envFrom=[{"secretRef": {"name": "a"}}], workingDir="/srv")]},
    "status": {
        "phase": "Pending",
        "conditions": [UNSCHEDULABLE],
        "initContainerStatuses": [
            container(names.GATE_CONTAINER, state={"running": {"startedAt": at(-9)}}, lastState={"terminated": ENDED})
        ],
    },
}


def gated_workload(strategy: Manifest) -> Manifest:
    raw = a_deployment()
    raw["metadata"] |= metadata("users")
    raw["spec"] |= {"strategy": strategy, "progressDeadlineSeconds": 600}
    raw["spec"]["template"]["metadata"]["labels"] = GATED
    return raw


SHARES = {"maxSurge": "25%", "maxUnavailable": 1}
A_DEPLOYMENT = gated_workload({"type": "RollingUpdate", "rollingUpdate": SHARES})
A_ROLLOUT = gated_workload({"canary": SHARES | {"steps": []}})
A_STATEFUL_SET: Manifest = a_postgres(metadata=metadata("postgres", labels=GATED))
A_REPORT: Manifest = {
    "metadata": metadata("users"),
    "message": UP_TO_DATE.to_json(),
    "report": json.loads(UP_TO_DATE.to_json())
    | {"error": ERROR | {"committed": ["CREATE"]}, "warnings": ["look"], "ahead": True}
    | {"tenants": TENANTS | {"up_to_date": 120, "drifted_names": ["ws_3"]}},
}
A_CONFIG_MAP: Manifest = {
    "metadata": metadata("users"),
    "data": {"alembic.ini": "[alembic]", "env.py": "run()", "a1.py": "revision = 'a1'"},
}
A_LEASE: Manifest = {
    "metadata": metadata("alembic-operator"),
    "spec": {
        "holderIdentity": "pod-1",
        "leaseDurationSeconds": 15,
        "leaseTransitions": 3,
        "acquireTime": "2026-03-01T12:00:00.000000Z",
        "renewTime": "2026-03-01T12:00:00.000000Z",
    },
}
AN_ANSWER: Manifest = {
    "metadata": metadata("users-1"),
    "answer": {
        "at": 1772366640.5,
        "since": 1772366400.0,
        "moved": 1772366460.0,
        "run": "shop/users",
        "revision": "b60f27d9e1a3",
        "index": 3,
        "of": 7,
        "statement": "ALTER TABLE t ADD COLUMN a text",
        "seconds": 12.5,
        "waiting_for": {"pid": 4711, "application": "reporting", "user": "app", "state": "active", "seconds": 1865.5},
        "build": {"command": "CREATE INDEX", "phase": "building index", "done": 1, "total": 2},
        "note": "another migration",
        "tenants": TENANTS | {"up_to_date": 120, "drifted_names": ["ws_3"], "eta_seconds": 9, "silent": ["us"]},
    },
}
_OWNED: Manifest = {"f:spec": {"f:template": {"f:metadata": {"f:annotations": {f"f:{names.GATE_ANNOTATION}": {}}}}}}
WITH_MANAGERS: Manifest = {
    "metadata": metadata("users")
    | {"managedFields": [{"manager": "kubectl", "operation": "Apply", "time": at(0), "fieldsV1": _OWNED}]}
}
AN_IMPORT: Manifest = {
    "metadata": metadata("past"),
    "spec": {
        "migrationRef": {"name": "users"},
        "from": {"sqlite": {"volume": {"persistentVolumeClaim": {"claimName": "data"}}, "path": "app.db"}},
    },
    "status": {"observedGeneration": 1, "job": "past-import-0123456789", "attempt": 1, "findingsTotal": 0},
}
AN_IMPORT_REPORT: Manifest = {
    "metadata": metadata("past-1"),
    "report": {"outcome": "findings", "rows": 3, "seconds": 1.5, "findings": [{"kind": "orphans", "table": "posts"}]},
}
