from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.status import Status
from alembic_operator.contract import Applied
from alembic_operator.core.observation.containers import running_image
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.pods import read_pod
from tests.unit.core.builders import LOCKED, UP_TO_DATE

OWNER = {
    "apiVersion": "alembic-operator.dev/v1alpha1",
    "kind": "DatabaseMigration",
    "name": "users",
    "uid": "u1",
    "controller": True,
}
T0, T1, T2, T7, T8, T9 = (f"2026-03-01T12:00:0{second}Z" for second in (0, 1, 2, 7, 8, 9))
OF_A_JOB = {"apiVersion": "batch/v1", "kind": "Job", "name": "users-1", "uid": "j1", "controller": True}


def metadata(**fields: Any) -> dict[str, Any]:
    return {"name": "users", "namespace": "shop", "uid": "u1", "generation": 4} | fields


def test_a_migration_is_read_with_its_retry_annotation_and_its_defaults() -> None:
    annotations = {"alembic-operator.dev/retry": "2"}
    raw = {"metadata": metadata(annotations=annotations), "spec": {"source": {"image": "users:1"}}}
    read = read_migration(raw)
    assert (read.namespace, read.name, read.uid, read.generation, read.retry) == ("shop", "users", "u1", 4, "2")
    assert read.spec is not None
    assert (read.spec.source.image, read.spec.policy.deadline, read.spec_error) == ("users:1", "1h", "")
    assert read.status == Status()


def test_a_specification_that_cannot_be_read_names_the_field_and_not_the_value() -> None:
    read = read_migration(
        {"metadata": metadata(), "spec": {"source": {"image": "a"}, "policy": {"deadline": "s3cret"}}}
    )
    assert read.spec is None
    assert read.spec_error.startswith("spec.policy.deadline: ")
    assert "s3cret" not in read.spec_error


@pytest.mark.parametrize("spec", [{}, None, {"source": "users:1"}], ids=str)
def test_a_migration_without_a_source_has_an_error_instead_of_a_specification(spec: Any) -> None:
    read = read_migration({"metadata": metadata(), "spec": spec})
    assert read.spec is None
    assert read.spec_error.startswith("spec.source: ")


def test_a_status_that_somebody_else_wrote_is_forgotten() -> None:
    raw = {"metadata": metadata(), "spec": {"source": {"image": "a"}}, "status": {"conditions": "none"}}
    assert read_migration(raw).status == Status()


def job(status: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"metadata": metadata(creationTimestamp=T0, ownerReferences=[OWNER], **fields), "status": status}


def condition(kind: str, status: str = "True", **fields: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": T9} | fields


JOBS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new": (job(), {"outcome": "", "finished_at": "", "failure": "", "started_at": T0, "is_taken_up": False}),
    "started": (job({"startTime": T1}), {"started_at": T1, "is_taken_up": True, "deleting": False}),
    "complete": (
        job({"completionTime": T8, "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]}),
        {"outcome": "Complete", "finished_at": T8, "failure": ""},
    ),
    "failed": (
        job({"conditions": [condition("Failed", reason="DeadlineExceeded")]}),
        {"outcome": "Failed", "finished_at": T9, "failure": "DeadlineExceeded"},
    ),
    "failing, but its pods still end": (
        job({"conditions": [condition("FailureTarget", reason="PodFailurePolicy")]}),
        {"outcome": "", "failure": ""},
    ),
    "suspended once": (job({"conditions": [condition("Suspended"), condition("Failed", "False")]}), {"outcome": ""}),
    "being deleted": (job(deletionTimestamp=T2), {"deleting": True}),
    "owned": (job(), {"owner": "u1", "uid": "u1", "name": "users"}),
    "not owned": ({"metadata": metadata(ownerReferences=[OWNER | {"controller": False}])}, {"owner": ""}),
}


@pytest.mark.parametrize(("raw", "facts_of_it"), [pytest.param(*case, id=name) for name, case in JOBS.items()])
def test_a_job_that_is(raw: dict[str, Any], facts_of_it: dict[str, Any]) -> None:
    read = read_job(raw)
    assert {name: getattr(read, name) for name in facts_of_it} == facts_of_it


@pytest.mark.parametrize(("written", "attempt"), [("1", 1), ("12", 12), ("0", 1), ("-1", 1), ("many", 1), ("", 1)])
def test_the_attempt_of_a_job_is_a_number_from_one_on(written: str, attempt: int) -> None:
    assert read_job(job(annotations={"alembic-operator.dev/attempt": written})).attempt == attempt
    assert read_job(job()).attempt == 1


@pytest.mark.parametrize("written", ["9" * 5000, "many", "0", "1000001", 7], ids=range(5))
def test_an_attempt_that_cannot_be_read_is_the_first_and_is_told(written: Any) -> None:
    read = read_job(job(annotations={"alembic-operator.dev/attempt": written}))
    assert read.attempt == 1
    (said,) = read.unreadable
    assert said.startswith("metadata.annotations[alembic-operator.dev/attempt] is ")
    assert len(said) < 160


def pod(*containers: dict[str, Any], phase: str = "Running", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "users-1-x", "creationTimestamp": T0, "ownerReferences": [OF_A_JOB]},
        "status": {"phase": phase, "containerStatuses": list(containers)} | status,
    }


def container(name: str = "migrate", image: str = "users:1", image_id: str = "", **state: Any) -> dict[str, Any]:
    return {"name": name, "image": image, "imageID": image_id, "state": state}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return container(waiting={"reason": reason, "message": message})


def terminated(code: int, message: str = "", **fields: Any) -> dict[str, Any]:
    return container(terminated={"exitCode": code, "message": message, "finishedAt": T7} | fields)


PODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new": (
        {"metadata": {"name": "users-1-x"}},
        {"phase": "Pending", "running": False, "job": "", "created_at": "", "result": None, "ended": False},
    ),
    "owned by its Job": (pod(), {"name": "users-1-x", "job": "users-1", "created_at": T0}),
    "running": (pod(container(running={})), {"running": True, "waiting_reason": "", "ended": False}),
    "installing the runner": (
        pod(
            waiting("PodInitializing"),
            phase="Pending",
            initContainerStatuses=[container("install-runner", running={"startedAt": T1})],
        ),
        {"running": True, "waiting_reason": "", "exit_code": None},
    ),
    "creating": (pod(waiting("ContainerCreating")), {"waiting_reason": "", "running": False}),
    "between the installer and the migration": (
        pod(waiting("PodInitializing"), phase="Pending", initContainerStatuses=[terminated(0)]),
        {"running": True, "waiting_reason": ""},
    ),
    "kept from migrating after the installer": (
        pod(waiting("ErrImagePull"), phase="Pending", initContainerStatuses=[terminated(0)]),
        {"running": False, "waiting_reason": "ErrImagePull"},
    ),
    "done, but not yet in its phase": (pod(terminated(0)), {"running": True, "ended": False}),
    "waiting without a reason": (pod(container(waiting={})), {"waiting_reason": ""}),
    "without a state": (pod({"name": "migrate"}), {"waiting_reason": "", "running": False, "image": ""}),
    "without its image": (
        pod(waiting("ErrImagePull", "not found")),
        {"waiting_reason": "ErrImagePull", "waiting_message": "not found"},
    ),
    "without the runner's image": (
        pod(
            waiting("PodInitializing"),
            initContainerStatuses=[container("install-runner", waiting={"reason": "ImagePullBackOff"})],
        ),
        {"waiting_reason": "ImagePullBackOff", "waiting_message": ""},
    ),
    "without a node": (
        pod(conditions=[condition("PodScheduled", "False", message="no node", reason="Unschedulable")]),
        {"unschedulable": "no node"},
    ),
    "without a node and a message": (
        pod(conditions=[condition("PodScheduled", "False", reason="SchedulingGated")]),
        {"unschedulable": "SchedulingGated"},
    ),
    "scheduled": (pod(conditions=[condition("PodScheduled")]), {"unschedulable": ""}),
    "successful": (
        pod(terminated(0, UP_TO_DATE.to_json(), reason="Completed"), phase="Succeeded"),
        {
            "exit_code": 0,
            "result": UP_TO_DATE,
            "terminated_message": "",
            "terminated_reason": "Completed",
            "finished_at": T7,
            "ended": True,
        },
    ),
    "failed with a result": (
        pod(terminated(75, LOCKED.to_json()), phase="Failed"),
        {"exit_code": 75, "result": LOCKED, "ended": True},
    ),
    "failed with another message": (
        pod(terminated(128, "exec format error", reason="StartError"), phase="Failed"),
        {"result": None, "terminated_message": "exec format error", "terminated_reason": "StartError"},
    ),
    "failed before its own container": (
        pod(container(waiting={"reason": "PodInitializing"}), phase="Failed")
        | {
            "status": {
                "phase": "Failed",
                "initContainerStatuses": [terminated(1, "no space left") | {"name": "install"}],
            }
        },
        {"exit_code": 1, "ended": True, "terminated_message": "no space left"},
    ),
    "lost with its node": (pod(phase="Failed"), {"exit_code": None, "ended": True, "finished_at": ""}),
    "of unknown state": (pod(phase="Unknown"), {"ended": False}),
    "beside a sidecar that ended": (
        pod(container(running={}), container("proxy", terminated={"exitCode": 1})),
        {"exit_code": None, "running": True},
    ),
}


@pytest.mark.parametrize(("raw", "facts_of_it"), [pytest.param(*case, id=name) for name, case in PODS.items()])
def test_a_pod_that_is(raw: dict[str, Any], facts_of_it: dict[str, Any]) -> None:
    read = read_pod(raw)
    assert {name: getattr(read, name) for name in facts_of_it} == facts_of_it


TOLD_BY_NOBODY = {
    "a text beside the contract": "{",
    "a number that no status can hold": replace(UP_TO_DATE, pending=2**31).to_json(),
    "a number beyond all floats": replace(UP_TO_DATE, applied=(Applied("b2", 10**400),)).to_json(),
    "a revision of a length that no column has": replace(UP_TO_DATE, to=("a" * 256,)).to_json(),
    "half of a surrogate pair": UP_TO_DATE.dump().replace('"b2"', r'"\ud800"'),
    "more than the kubelet keeps": UP_TO_DATE.dump().replace('"b2"', f'"b2"{" " * 4096}'),
}


@pytest.mark.parametrize("message", TOLD_BY_NOBODY.values(), ids=TOLD_BY_NOBODY)
def test_a_report_that_no_status_can_tell_is_none(message: str) -> None:
    read = read_pod(pod(terminated(0, message), phase="Succeeded"))
    assert read.result is None
    assert len(read.terminated_message) <= 4097


def test_what_the_kubelet_says_is_kept_as_far_as_a_status_can_tell_it() -> None:
    read = read_pod(pod(waiting("CreateContainerError", "x" * 100_000), phase="Pending"))
    assert read.waiting_message == f"{'x' * 4096}…"


def test_an_image_that_no_status_can_tell_is_unknown() -> None:
    assert running_image(container(image="a" * 1025, image_id="b@" + "c" * 1025)) == ""


DEEP: dict[str, Any] = {}
for _ in range(2000):
    DEEP = {"a": DEEP}

TEMPLATES: dict[str, tuple[Any, str]] = {
    "large": ({"a": "x" * 300_000}, "spec.jobTemplate has more than 65536 characters; make it smaller"),
    "wide": ({"a": [0] * 300_000}, "spec.jobTemplate has more than 65536 characters; make it smaller"),
    "deep": (DEEP, "spec.jobTemplate is nested deeper than 64 levels; make it smaller"),
}


@pytest.mark.parametrize(("template", "said"), TEMPLATES.values(), ids=TEMPLATES)
def test_a_job_template_beyond_reason_is_an_error_of_the_specification(template: Any, said: str) -> None:
    read = read_migration({"metadata": metadata(), "spec": {"source": {"image": "a"}, "jobTemplate": template}})
    assert (read.spec, read.spec_error) == (None, said)


def test_of_an_endless_retry_annotation_only_the_difference_is_kept() -> None:
    retries = [
        read_migration({"metadata": metadata(annotations={"alembic-operator.dev/retry": one}), "spec": {}}).retry
        for one in ("x" * 253, "x" * 254, "x" * 100_000, "x" * 99_999 + "y")
    ]
    assert len(set(retries)) == 4
    assert max(map(len, retries)) == 253


DIGEST = "registry/users@sha256:42"
IMAGES = {
    "a digest": ("users:1", DIGEST, DIGEST),
    "a digest with Docker's prefix": ("users:1", f"docker-pullable://{DIGEST}", DIGEST),
    "only the hash": ("users:1", "sha256:42", "users:1"),
    "only Docker's hash": ("users:1", "docker://sha256:42", "users:1"),
    "nothing yet": ("users:1", "", "users:1"),
    "only the hash, and no name": ("", "sha256:42", "sha256:42"),
}


@pytest.mark.parametrize(("image", "image_id", "told"), [pytest.param(*case, id=name) for name, case in IMAGES.items()])
def test_the_image_that_ran_is_told_by_digest_where_the_kubelet_says(image: str, image_id: str, told: str) -> None:
    assert read_pod(pod(container(image=image, image_id=image_id))).image == told
