"""What is read of a pod that waits: whose it is, and how its gate stands."""

import json
from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.core.observation.gated_pods import Owner, Workload, read_gated_pod
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import UP_TO_DATE, at
from tests.unit.core.gates import GATE, raw_pod


def made_by(kind: str, name: str, api_version: str = "apps/v1") -> Manifest:
    return {"apiVersion": api_version, "kind": kind, "name": name, "uid": "u1", "controller": True}


MIGRATION = {"alembic-operator.dev/migration": "users"}
OF_DEPLOYMENT = MIGRATION | {"pod-template-hash": "6d9f"}
OF_ROLLOUT = MIGRATION | {"rollouts-pod-template-hash": "6d9f"}

WORKLOADS: dict[str, tuple[Manifest, dict[str, str], Workload]] = {
    "a ReplicaSet of a Deployment": (
        made_by("ReplicaSet", "users-6d9f"),
        OF_DEPLOYMENT,
        Workload("Deployment", "users"),
    ),
    "a Deployment with dashes": (
        made_by("ReplicaSet", "users-web-6d9f"),
        OF_DEPLOYMENT,
        Workload("Deployment", "users-web"),
    ),
    "a ReplicaSet of a Rollout": (made_by("ReplicaSet", "users-6d9f"), OF_ROLLOUT, Workload("Rollout", "users")),
    "a ReplicaSet of its own": (made_by("ReplicaSet", "users"), MIGRATION, Workload("ReplicaSet", "users")),
    "a ReplicaSet with a foreign hash": (
        made_by("ReplicaSet", "users-1"),
        OF_DEPLOYMENT,
        Workload("ReplicaSet", "users-1"),
    ),
    "a StatefulSet": (made_by("StatefulSet", "users"), MIGRATION, Workload("StatefulSet", "users")),
    "a Job": (made_by("Job", "users-report", "batch/v1"), MIGRATION, Workload("Job", "users-report")),
}


@pytest.mark.parametrize(
    ("owner", "labels", "workload"), [pytest.param(*case, id=name) for name, case in WORKLOADS.items()]
)
def test_the_workload_is_what_a_person_calls_it(owner: Manifest, labels: dict[str, str], workload: Workload) -> None:
    others = made_by("Application", "shop") | {"controller": False}
    pod = read_gated_pod(raw_pod(ownerReferences=[others, owner], labels=labels))
    assert pod.workload == workload
    assert pod.owner == Owner(owner["apiVersion"], owner["kind"], owner["name"], "u1")


def test_a_bare_pod_is_its_own_workload() -> None:
    pod = read_gated_pod(raw_pod(ownerReferences=[], labels=MIGRATION))
    assert pod.workload == Workload("Pod", "users-6d9f-0")
    assert pod.owner == Owner("v1", "Pod", "users-6d9f-0", "p1")


DIGEST = f"registry/users@sha256:{'4' * 64}"
START = {"startedAt": at(-9)}
ENDED = {"exitCode": 64, "startedAt": at(-9), "finishedAt": at(-8), "reason": "Error", "message": "no such file"}
PASSED = {"exitCode": 0, "startedAt": at(-9), "finishedAt": at(-8), "message": UP_TO_DATE.to_json()}
BACK_OFF = {"reason": "CrashLoopBackOff", "message": "back-off 10s"}

STATES: dict[str, tuple[Manifest, Manifest, dict[str, Any]]] = {
    "before the kubelet says anything": ({}, {}, {}),
    "behind a sidecar": ({"waiting": {"reason": "PodInitializing"}}, {}, {"waiting_reason": "PodInitializing"}),
    "running": ({"running": START}, {}, {"running_since": at(-9)}),
    "ended badly": ({"terminated": ENDED}, {}, {"exit_code": 64, "finished_at": at(-8)}),
    "between two tries": (
        {"waiting": BACK_OFF},
        {"terminated": ENDED},
        {"waiting_reason": "CrashLoopBackOff", "exit_code": 64, "finished_at": at(-8)},
    ),
    "running again": (
        {"running": {"startedAt": at(-2)}},
        {"terminated": ENDED},
        {"running_since": at(-2), "exit_code": 64, "finished_at": at(-8)},
    ),
    "open": (
        {"terminated": PASSED},
        {},
        {"exit_code": 0, "finished_at": at(-8), "opened": True, "result": UP_TO_DATE},
    ),
    "open after a bad end": (
        {"terminated": PASSED},
        {"terminated": ENDED},
        {"exit_code": 0, "finished_at": at(-8), "opened": True, "result": UP_TO_DATE},
    ),
    "run anew after its node began anew": (
        {"running": {"startedAt": at(-2)}},
        {"terminated": PASSED},
        {"running_since": at(-2), "exit_code": 0, "finished_at": at(-8), "result": UP_TO_DATE},
    ),
}


@pytest.mark.parametrize(("now", "before", "read"), [pytest.param(*case, id=name) for name, case in STATES.items()])
def test_a_gate_is_read_in_every_state(now: Manifest, before: Manifest, read: dict[str, Any]) -> None:
    gate = read_gated_pod(raw_pod(now, before)).gate
    assert gate is not None
    kept = ("image", "command", "running_since", "waiting_reason", "exit_code", "finished_at", "result", "opened")
    wanted = replace(GATE, **read)
    assert {name: getattr(gate, name) for name in kept} == {name: getattr(wanted, name) for name in kept}
    assert gate.running_image == DIGEST


def test_a_pod_of_which_nothing_is_told_yet_has_a_gate_that_does_nothing() -> None:
    raw = raw_pod()
    del raw["status"]
    pod = read_gated_pod(raw)
    assert pod.gate is not None
    assert (pod.gate.running_since, pod.gate.exit_code, pod.gate.opened, pod.ended) == ("", None, False, False)


@pytest.mark.parametrize("phase", ["Succeeded", "Failed"])
def test_a_pod_that_ended_or_goes_waits_no_more(phase: str) -> None:
    raw = raw_pod()
    raw["status"]["phase"] = phase
    assert read_gated_pod(raw).ended
    assert read_gated_pod(raw_pod(deletionTimestamp=at())).ended


def test_a_pod_without_a_gate_says_why() -> None:
    raw = raw_pod(annotations={"alembic-operator.dev/gate": "Skip", "alembic-operator.dev/strategy": "InitContainer"})
    raw["spec"].pop("initContainers")
    pod = read_gated_pod(raw)
    assert (pod.gate, pod.gate_annotation, pod.strategy) == (None, "Skip", "InitContainer")


def test_other_init_containers_are_no_gate() -> None:
    raw = raw_pod()
    raw["spec"]["initContainers"] = raw["spec"]["initContainers"][:1]
    assert read_gated_pod(raw).gate is None


def test_the_pods_of_a_template_share_their_words() -> None:
    first, second = (read_gated_pod(json.loads(json.dumps(raw_pod({"terminated": PASSED})))).gate for _ in range(2))
    assert first is not None
    assert second is not None
    for name in ("image", "command", "result", "inputs", "running_image"):
        assert getattr(first, name) is getattr(second, name)
