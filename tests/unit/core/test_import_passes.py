"""Decisions about an import in two passes: who must stop, when the second starts, and what its pod is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.imports import ImportSpec, ImportStatus
from alembic_operator.api.reasons import Reason
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.holders import Holder, Workload, read_holder
from alembic_operator.core.imports.status import status_after
from tests.unit.core.builders import at
from tests.unit.core.imports import SPEC, a_job, a_pod, an_import, look, seen

TWO = SPEC | {"passes": "Two", "cutover": {"workload": {"name": "old"}}}
BEFORE = an_import(spec=ImportSpec.model_validate(TWO))
HALF = replace(BEFORE, status=ImportStatus(first_pass_at=at(-100)))
APP = Holder("old-1", "node-a", "Deployment", "old")
FIRST = Case(seen(asked=BEFORE)).name
SECOND = Case(seen(asked=HALF)).name


def ended(name: str, outcome: str) -> dict[str, Any]:
    answer = ImportAnswer(outcome, tables=2, rows=30, seconds=3.0, equal=True)
    pod = a_pod(job=name, exit_code=0, answer=answer, phase="Succeeded")
    return {"jobs": (a_job(name=name, outcome="Complete", finished_at=at(-5)),), "pods": (pod,)}


def the_pod(**changes: Any) -> dict[str, Any]:
    decided = look(**changes)
    assert isinstance(decided.action, CreateJob), decided
    found: dict[str, Any] = decided.action.manifest["spec"]["template"]["spec"]
    return found


def test_the_first_pass_goes_to_the_node_of_the_application_and_runs_beside_it() -> None:
    pod = the_pod(asked=BEFORE, holders=(APP, replace(APP, name="old-2")))
    (load,) = pod["containers"]
    assert load["command"][-1] == "--pass=first"
    assert [one["name"] for one in load["volumeMounts"]] == ["alembic-import"]
    (preferred,) = pod["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"]
    assert preferred["preference"]["matchFields"][0]["values"] == ["node-a"]
    assert "affinity" not in the_pod(asked=BEFORE, holders=(APP, replace(APP, node="node-b")))


def test_after_the_first_pass_nothing_is_ready_and_the_status_remembers_it_without_its_job() -> None:
    case = Case(seen(asked=BEFORE, **ended(FIRST, "first")))
    decided = look(asked=BEFORE, **ended(FIRST, "first"))
    status = status_after(case, decided)
    assert (decided.reason, status.first_pass_at, status.imported_at) == (Reason.WAITING_FOR_STOP, at(-5), None)
    assert look(asked=replace(HALF, status=status), stopped=Workload(0)).message == f"Job {SECOND} is made"
    assert FIRST != SECOND


@pytest.mark.parametrize(
    ("stopped", "holders", "said"),
    [
        (Workload(2), (APP,), "stop Deployment old for the second: kubectl scale deployment old --replicas=0"),
        (None, (), "Deployment old does not exist: correct spec.cutover.workload"),
        (
            Workload(0),
            (APP, Holder("job-x", "", "Job", "job")),
            (
                "Deployment old is scaled to zero; the second follows when nobody has PersistentVolumeClaim data:"
                " pod old-1 on node node-a, pod job-x have it: kubectl scale deployment old --replicas=0,"
                " kubectl delete job job"
            ),
        ),
    ],
)
def test_the_second_pass_waits_and_says_for_whom(
    stopped: Workload | None, holders: tuple[Holder, ...], said: str
) -> None:
    decided = look(asked=HALF, stopped=stopped, holders=holders)
    assert (decided.reason, decided.action) == (Reason.WAITING_FOR_STOP, None)
    assert decided.message == f"the first pass is complete; {said}"


def test_the_second_pass_sees_the_file_until_its_end_and_makes_the_import_ready() -> None:
    pod = the_pod(asked=HALF, stopped=Workload(0))
    (load,) = pod["containers"]
    assert load["command"][-1] == "--pass=second"
    assert [one["name"] for one in load["volumeMounts"]] == ["alembic-import", "alembic-source"]
    assert load["volumeMounts"][1]["readOnly"] is True
    over = ended(SECOND, "imported")
    assert look(asked=HALF, **over).reason is Reason.IMPORTED
    assert status_after(Case(seen(asked=HALF, **over)), look(asked=HALF, **over)).downtime_seconds == 55


def test_who_is_stopped_can_be_corrected_without_a_first_pass_once_more() -> None:
    other = ImportSpec.model_validate(TWO | {"cutover": {"workload": {"kind": "StatefulSet", "name": "elder"}}})
    assert Case(seen(asked=replace(BEFORE, spec=other))).name == FIRST


def test_a_pod_that_cannot_start_names_who_has_the_volume() -> None:
    stuck = a_pod(phase="Pending", step="", created_at=at(-100))
    decided = look(jobs=(a_job(),), pods=(stuck,), holders=(APP,))
    assert decided.reason is Reason.WAITING_FOR_VOLUME
    assert decided.message.endswith("pod old-1 on node node-a has it: kubectl scale deployment old --replicas=0")
    only = "0/1 nodes: node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode"
    decided = look(jobs=(a_job(),), pods=(replace(stuck, unschedulable=only),), holders=(APP,))
    assert (decided.reason, "pod old-1 on node node-a has it" in decided.message) == (Reason.WAITING_FOR_VOLUME, True)


VOLUMES = {"volumes": [{"persistentVolumeClaim": {"claimName": "data"}}], "nodeName": "node-a"}
OF_A_REPLICA_SET = {
    "labels": {"pod-template-hash": "5c9"},
    "ownerReferences": [{"controller": True, "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "old-5c9"}],
}
GATE = {"initContainerStatuses": [{"name": "alembic-gate", "state": {"running": {}}}]}


@pytest.mark.parametrize(
    ("metadata", "spec", "status", "holder"),
    [
        (OF_A_REPLICA_SET, VOLUMES, {"phase": "Running"}, Holder("p", "node-a", "Deployment", "old")),
        ({}, VOLUMES, {"phase": "Pending"}, Holder("p", "node-a", "Pod", "p")),
        ({}, VOLUMES, {"phase": "Succeeded"}, None),
        ({}, {}, {"phase": "Running"}, None),
        ({"labels": {"alembic-operator.dev/import": "past"}}, VOLUMES, {"phase": "Running"}, None),
        ({}, VOLUMES, {"phase": "Pending"} | GATE, None),
    ],
)
def test_a_pod_has_the_claim_until_it_has_ended_unless_it_waits_at_its_gate(
    metadata: dict[str, Any], spec: dict[str, Any], status: dict[str, Any], holder: Holder | None
) -> None:
    raw = {"metadata": {"name": "p"} | metadata, "spec": spec, "status": status}
    assert read_holder(raw, "data") == holder
