"""What the policy makes of a pod that asks for a gate, on the real API server: one container, in the right place."""

from typing import Any

import pytest

from tests.api.chart import Manifest
from tests.api.gates import (
    CONTAINER,
    GATE,
    IMAGE,
    LABEL,
    STRATEGY,
    Door,
    a_run,
    container,
    gate,
    inits,
    pod,
    said,
    sidecar,
)

pytest_plugins = ["tests.api.gate_fixtures"]

RUNNER = {"name": "alembic-operator", "mountPath": "/alembic-operator/runner.pyz", "subPath": "runner.pyz"}
MOUNT = RUNNER | {"readOnly": True}
VOLUME = {"name": "alembic-operator", "configMap": {"name": "alembic-operator-runner", "defaultMode": 420}}
FILES = {"name": "files", "emptyDir": {}}
COPIED: dict[str, Any] = {
    "imagePullPolicy": "Always",
    "workingDir": "/srv/app",
    "envFrom": [
        {"configMapRef": {"name": "settings"}},
        {"prefix": "DB_", "secretRef": {"name": "postgres", "optional": True}},
    ],
    "env": [
        {"name": "PLAIN", "value": "1, 2 'three' \"four\" ünï\nfive"},
        {"name": "EMPTY"},
        {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "postgres", "key": "password", "optional": True}}},
        {"name": "SETTING", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
        {
            "name": "MEMORY",
            "valueFrom": {
                "resourceFieldRef": {"containerName": "app", "resource": "limits.memory", "divisor": "1Mi"},
            },
        },
        {"name": "URL", "value": "postgresql://$(SECRET)@db/$(PLAIN)"},
    ],
    "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
    "securityContext": {
        "runAsUser": 1000650000,
        "runAsNonRoot": True,
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
MOUNTS = [
    {"name": "files", "mountPath": "/srv/files"},
    {"name": "files", "mountPath": "/srv/app/alembic.ini", "subPath": "alembic.ini", "readOnly": True},
    {"name": "files", "mountPath": "/srv/pod", "subPathExpr": "$(POD)"},
]
NOT_COPIED: dict[str, Any] = {
    "command": ["serve"],
    "args": ["--all"],
    "ports": [{"containerPort": 8000}],
    "readinessProbe": {"httpGet": {"path": "/", "port": 8000}},
    "lifecycle": {"preStop": {"sleep": {"seconds": 1}}},
    "terminationMessagePolicy": "FallbackToLogsOnError",
    "tty": True,
}


def test_the_smallest_pod_gets_one_gate_and_one_volume(door: Door) -> None:
    door.migrate()
    made = door.when(pod(), lambda made: inits(made) == ["alembic-gate"])
    found = gate(made)
    assert found["command"] == ["python3", "/alembic-operator/runner.pyz", "gate"]
    assert found["image"] == IMAGE
    assert found["volumeMounts"] == [MOUNT]
    assert "env" not in found
    assert made["spec"]["volumes"] == [VOLUME]
    assert said(made) == {CONTAINER: "app"}


def test_the_containers_of_the_pod_stay_as_they_are(door: Door) -> None:
    app = container(**COPIED, **NOT_COPIED, volumeMounts=MOUNTS)
    plain = door.admit(a_run(containers=[app], volumes=[FILES]))
    door.migrate()
    door.gated()
    made = door.admit(pod(containers=[app], volumes=[FILES]))
    assert made["spec"].pop("initContainers")
    assert made["spec"]["volumes"].pop() == VOLUME
    assert made["spec"] == plain["spec"]


@pytest.mark.parametrize("field", COPIED)
def test_the_gate_takes_from_the_container(door: Door, field: str) -> None:
    door.migrate()
    given = COPIED[field]
    assert door.gated(pod(containers=[container(**{field: given})]))[field] == given


def test_the_gate_takes_everything_at_once_and_what_only_serves_is_left_out(door: Door) -> None:
    door.migrate()
    app = container(**COPIED, **NOT_COPIED, volumeMounts=MOUNTS)
    found = door.gated(pod(containers=[app], volumes=[FILES], securityContext={"runAsUser": 5, "fsGroup": 7}))
    assert {field: found[field] for field in COPIED} == COPIED
    assert found["volumeMounts"] == [*MOUNTS, MOUNT]
    assert set(found) & set(NOT_COPIED) == {"command", "terminationMessagePolicy"}
    assert found["terminationMessagePolicy"] == "File"
    assert found["command"][-1] == "gate"


def test_the_annotation_names_another_container(door: Door) -> None:
    door.migrate()
    both = [container("proxy", "registry.test/proxy:3"), container(workingDir="/srv")]
    made = door.when(pod({CONTAINER: "app"}, containers=both), lambda made: bool(inits(made)))
    assert (gate(made)["image"], gate(made)["workingDir"]) == (IMAGE, "/srv")
    assert said(made) == {CONTAINER: "app"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ([], ["alembic-gate"]),
        (["first"], ["alembic-gate", "first"]),
        (["proxy*"], ["proxy", "alembic-gate"]),
        (["first", "proxy*", "last"], ["first", "proxy", "alembic-gate", "last"]),
        (["one*", "between", "two*", "last"], ["one", "between", "two", "alembic-gate", "last"]),
        (["alembic-gate", "first"], ["alembic-gate", "first"]),
        (["first", "alembic-gate"], ["alembic-gate", "first"]),
        (["alembic-gate", "proxy*", "last"], ["proxy", "alembic-gate", "last"]),
        (["alembic-gate*", "last"], ["alembic-gate", "last"]),
    ],
)
def test_the_gate_stands_behind_the_last_native_sidecar(door: Door, before: list[str], after: list[str]) -> None:
    door.migrate()
    given = [sidecar(one[:-1]) if one.endswith("*") else container(one) for one in before]
    made = door.when(pod(initContainers=given), lambda made: inits(made) == after)
    assert gate(made)["command"][-1] == "gate"
    assert "restartPolicy" not in gate(made)


def by_hand() -> Manifest:
    written = container(
        "alembic-gate", command=["python3", "runner.pyz", "gate"], volumeMounts=[RUNNER | {"mountPath": "/old"}]
    )
    old = {"name": "alembic-operator", "emptyDir": {}}
    return pod(initContainers=[written], volumes=[FILES, old, FILES | {"name": "more"}])


def test_a_gate_and_a_volume_that_are_written_by_hand_are_replaced(door: Door) -> None:
    door.migrate()
    made = door.when(by_hand(), lambda made: gate(made)["volumeMounts"] == [MOUNT])
    assert inits(made) == ["alembic-gate"]
    assert made["spec"]["volumes"] == [FILES, VOLUME, FILES | {"name": "more"}]


def test_a_pod_that_is_copied_from_a_gated_one_has_one_gate(door: Door) -> None:
    door.migrate()
    door.gated()
    made = door.admit(pod())
    metadata = {"name": "copy", "labels": made["metadata"]["labels"], "annotations": said(made)}
    spec = made["spec"] | {"containers": [made["spec"]["containers"][0] | {"image": "registry.test/users:debug"}]}
    copy = door.admit({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
    assert inits(copy) == ["alembic-gate"]
    assert gate(copy)["image"] == "registry.test/users:debug"
    assert copy["spec"]["volumes"] == made["spec"]["volumes"]


def test_a_copy_without_the_label_keeps_its_gate_as_it_is(door: Door) -> None:
    door.migrate()
    door.gated()
    made = door.admit(pod())
    copy = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "copy"}, "spec": made["spec"]}
    assert door.admit(copy)["spec"]["initContainers"] == made["spec"]["initContainers"]


def test_a_dry_run_shows_the_gate_and_stores_nothing(door: Door) -> None:
    door.migrate()
    door.when(pod(), lambda made: bool(inits(made)))
    before = door.rest.items(pod(), door.namespace)
    assert inits(door.admit(pod(), dryRun="All")) == ["alembic-gate"]
    assert door.rest.items(pod(), door.namespace) == before


OWNERS: dict[str, list[Manifest]] = {
    "nobody": [],
    "a Job": [{"apiVersion": "batch/v1", "kind": "Job", "name": "web", "uid": "1", "controller": True}],
    "a ReplicaSet": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "1", "controller": True}],
}


@pytest.mark.parametrize("owners", OWNERS.values(), ids=OWNERS)
@pytest.mark.parametrize("name", [{"name": "web"}, {"generateName": "web-"}], ids=["named", "generated"])
def test_a_pod_is_gated_whoever_makes_it_and_however_it_is_called(
    door: Door, owners: list[Manifest], name: dict[str, str]
) -> None:
    door.migrate()
    wanted = pod(restartPolicy="Never")
    wanted["metadata"] = name | {"labels": {LABEL: "users"}, "ownerReferences": owners}
    assert inits(door.when(wanted, lambda made: bool(inits(made)))) == ["alembic-gate"]


def test_a_pod_that_runs_the_migration_is_never_touched(door: Door) -> None:
    door.migrate(strategy="InitContainer")
    door.gated()
    made = door.admit(a_run({GATE: "Satisfied"}))
    assert inits(made) == []
    assert "volumes" not in made["spec"]
    assert said(made) == {GATE: "Satisfied"}


def test_a_pod_without_the_label_is_never_touched(door: Door) -> None:
    door.migrate()
    door.gated()
    wanted = pod({GATE: "Satisfied", STRATEGY: "InitContainer", CONTAINER: "nobody"})
    wanted["metadata"]["labels"] = {"app": "users"}
    made = door.admit(wanted)
    assert inits(made) == []
    assert said(made) == wanted["metadata"]["annotations"]
