"""What is decided about an import, from one look at it."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.imports import ImportStatus
from alembic_operator.api.meta import Condition
from alembic_operator.api.reasons import Effect
from alembic_operator.contract.imports import MOST_FINDINGS, ImportAnswer, Told
from alembic_operator.contract.result import RESULT_BYTES
from alembic_operator.core.actions import CreateJob, DeleteJob
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import decide
from alembic_operator.core.imports.status import status_after
from alembic_operator.core.observation.observation import Refusal
from alembic_operator.core.observation.source import Missing, PodParts
from tests.unit.core.builders import IMAGE, ON_POSTGRES, RUNNER_IMAGE, UID, a_migration, at
from tests.unit.core.imports import DONE, NAME, a_job, a_pod, an_import, ended, ground, look, seen

CASES: dict[str, tuple[dict[str, Any], str, str]] = {
    "no migration": ({"ground": None}, "WaitingForMigration", "DatabaseMigration users does not exist"),
    "a migration that is not ready": ({"ground": ground(ready=False)}, "WaitingForMigration", "is not Ready"),
    "no workload": ({"ground": ground(source=Missing("Deployment x"))}, "WaitingForMigration", "Deployment x"),
    "a migration without an address": (
        {"ground": ground(migration=a_migration())},
        "InvalidSpec",
        "has no spec.database",
    ),
    "a specification that cannot be read": (
        {"asked": an_import(spec=None, spec_error="spec.from: no")},
        "InvalidSpec",
        "spec.from: no",
    ),
    "a Job that is being deleted": ({"jobs": (a_job(deleting=True),)}, "WaitingForPreviousJob", "is being deleted"),
    "no such claim": (
        {"jobs": (a_job(),), "pods": (a_pod(step="", unschedulable='persistentvolumeclaim "data" not found'),)},
        "WaitingForVolume",
        "not found",
    ),
    "no room": ({"jobs": (a_job(),), "pods": (a_pod(step="", unschedulable="cpu"),)}, "Unschedulable", "cpu"),
    "a volume of another node": (
        {"jobs": (a_job(),), "pods": (a_pod(step=""),)},
        "WaitingForVolume",
        "stop the pods that have it elsewhere",
    ),
    "a pod that has just come": (
        {"jobs": (a_job(),), "pods": (a_pod(step="", created_at=at(-5)),)},
        "Pending",
        "has not started yet",
    ),
    "a pod that loads": ({"jobs": (a_job(),), "pods": (a_pod(),)}, "Importing", "scans, loads and verifies"),
    "a pod that was killed": (
        {"jobs": (a_job(),), "pods": (a_pod(exit_code=137, ended_as="OOMKilled"),)},
        "ImportInterrupted",
        "exit code 137 (OOMKilled); kubectl logs pod -c load says more",
    ),
    "the end": (ended(DONE), "Imported", "30 rows of 2 tables"),
    "an end of other inputs": (ended(DONE) | {"ground": ground(source=PodParts({}, {}))}, "Imported", "30 rows"),
    "an end while the migration is gone": (ended(DONE) | {"ground": None}, "Imported", "30 rows"),
    "findings": (ended(ImportAnswer("findings", total=4)), "Findings", "4 findings stand in the way"),
    "a file that is none": (
        ended(ImportAnswer("failed", "x is no SQLite file")),
        "ImportFailed",
        "no SQLite file. Mend",
    ),
    "a database that was down": (
        ended(ImportAnswer("again", "refused"), code=75),
        "ImportInterrupted",
        "attempt 1 ended: refused; nothing half is visible",
    ),
    "a quota": (
        {"refusal": Refusal("exceeded quota", forbidden=True)},
        "JobForbidden",
        "the API server refuses the Job: exceeded quota",
    ),
    "another object's Job": ({"jobs": (a_job(owner=UID),)}, "Pending", "is made"),
}


@pytest.mark.parametrize(("changes", "reason", "words"), CASES.values(), ids=CASES)
def test_an_import_stands_as_it_was_seen(changes: dict[str, Any], reason: str, words: str) -> None:
    found = look(**changes)
    assert (str(found.reason), words in found.message) == (reason, True), found.message
    assert found.requeue_after is not None or found.reason.effect is not Effect.RECONCILING


def test_a_complete_import_is_never_begun_again_whatever_else_changes() -> None:
    done = an_import(status=ImportStatus(imported_at=at(-9), rows=30, tables=2), generation=7, retry="again")
    for ground_ in (None, ground(), ground(ready=False)):
        found = look(asked=done, ground=ground_, jobs=(a_job(),), pods=(a_pod(),))
        assert (str(found.reason), found.action) == ("Imported", None)


def test_the_next_looks_at_a_complete_import_change_nothing_of_what_was_told() -> None:
    case = Case(seen(**ended(replace(DONE, earlier=True))))
    told = status_after(case, decide(case))
    assert "an earlier import has left its mark" in told.conditions[0].message
    again = Case(seen(asked=an_import(status=told), **ended(DONE)))
    assert status_after(again, decide(again)) == told


def test_what_time_can_heal_is_made_anew_after_a_minute_doubling_to_ten() -> None:
    again = ImportAnswer("again", "refused")
    assert look(**ended(again, ago=59)).action is None
    assert isinstance(look(**ended(again, ago=60)).action, DeleteJob)
    assert look(**ended(again, ago=599, attempt=9)).action is None
    assert isinstance(look(**ended(again, ago=600, attempt=9)).action, DeleteJob)
    status = ImportStatus(job=NAME, attempt=1, outcome="ImportInterrupted")
    made = look(asked=an_import(status=status)).action
    assert isinstance(made, CreateJob)
    assert made.manifest["metadata"]["annotations"]["alembic-operator.dev/attempt"] == "2"


def test_what_a_person_must_mend_stays_told_when_its_job_is_gone_until_something_is_asked_for() -> None:
    ready = Condition(
        type="Ready", status="False", reason="Findings", message="4 findings", last_transition_time=at(-9)
    )
    status = ImportStatus(job=NAME, attempt=1, outcome="Findings", conditions=(ready,))
    assert look(asked=an_import(status=status)).message == "4 findings"
    assert isinstance(look(asked=an_import(status=status, retry="mended")).action, CreateJob)


def test_the_job_has_secrets_only_as_references_and_no_right_that_the_application_has_not() -> None:
    action = look().action
    assert isinstance(action, CreateJob)
    pod = action.manifest["spec"]["template"]["spec"]
    copy, upgrade = pod["initContainers"]
    (load,) = pod["containers"]
    assert [one["image"] for one in (copy, upgrade, load)] == [RUNNER_IMAGE, IMAGE, RUNNER_IMAGE]
    user = {"name": "PGUSER", "valueFrom": {"secretKeyRef": {"name": "users-db", "key": "user"}}}
    assert user in copy["env"]
    assert user in load["env"]
    assert user not in upgrade["env"]
    assert not pod["automountServiceAccountToken"]
    for one in (copy, upgrade, load):
        assert one["securityContext"] == {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    source = {"name": "alembic-source", "mountPath": "/alembic-source", "readOnly": True}
    assert [source in one["volumeMounts"] for one in (copy, upgrade, load)] == [True, False, False]


def test_the_status_tells_that_no_pod_waits_as_long_as_that_matters() -> None:
    def message(**changes: Any) -> str:
        case = Case(seen(**changes))
        return status_after(case, decide(case)).conditions[0].message

    awaiting = a_migration(ON_POSTGRES | {"policy": {"awaitImport": "past"}}, status=ground().migration.status)
    assert "set spec.policy.awaitImport: past in the migration" in message()
    assert "awaitImport" not in message(ground=ground(migration=awaiting))
    assert "awaitImport" not in message(**ended(DONE))


def test_an_answer_of_any_length_fits_into_a_termination_message_and_is_read_again() -> None:
    many = tuple(Told("k" * 40, "t" * 250, "c" * 250, 3, (1, 2, 3), "m" * 900) for _ in range(40))
    text = ImportAnswer("findings", "w" * 9000, findings=many, total=40).to_json()
    assert len(text.encode()) <= RESULT_BYTES
    found = ImportAnswer.from_json(text)
    assert found is not None
    assert found.total == 40
    assert 0 < len(found.findings) <= MOST_FINDINGS


@pytest.mark.parametrize(
    "text",
    ["", "Killed", "[]", "{}", '{"outcome": 1}', '{"outcome": "imported", "rows": "all"}', '{"outcome": "\\ud800"}',
     '{"outcome": "imported", "findings": [3]}', '{"outcome": "imported", "seconds": NaN}', "[" * 4000],
)  # fmt: skip
def test_a_termination_message_that_is_no_answer_is_none(text: str) -> None:
    assert ImportAnswer.from_json(text) is None
