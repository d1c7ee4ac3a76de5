from typing import Any

import pytest

from alembic_operator.api.status import Status
from alembic_operator.core import facts
from tests.unit.core.builders import LOCKED, UP_TO_DATE
from tests.unit.core.workloads import a_postgres

OWNER = {"kind": "DatabaseMigration", "name": "users", "uid": "u1", "controller": True}
OF_A_JOB = {"kind": "Job", "name": "users-1", "uid": "j1", "controller": True}


def metadata(**fields: Any) -> dict[str, Any]:
    return {"name": "users", "namespace": "shop", "uid": "u1", "generation": 4} | fields


def test_a_migration_is_read_with_its_retry_annotation_and_its_defaults() -> None:
    annotations = {"alembic-operator.dev/retry": "2"}
    raw = {"metadata": metadata(annotations=annotations), "spec": {"source": {"image": "users:1"}}}
    read = facts.migration(raw)
    assert (read.namespace, read.name, read.uid, read.generation, read.retry) == ("shop", "users", "u1", 4, "2")
    assert read.spec is not None
    assert (read.spec.source.image, read.spec.policy.deadline, read.spec_error) == ("users:1", "1h", "")
    assert read.status == Status()


def test_a_specification_that_cannot_be_read_names_the_field_and_not_the_value() -> None:
    read = facts.migration(
        {"metadata": metadata(), "spec": {"source": {"image": "a"}, "policy": {"deadline": "s3cret"}}}
    )
    assert read.spec is None
    assert read.spec_error.startswith("spec.policy.deadline: ")
    assert "s3cret" not in read.spec_error


@pytest.mark.parametrize("spec", [{}, None, {"source": "users:1"}], ids=str)
def test_a_migration_without_a_source_has_an_error_instead_of_a_specification(spec: Any) -> None:
    read = facts.migration({"metadata": metadata(), "spec": spec})
    assert read.spec is None
    assert read.spec_error.startswith("spec.source: ")


def test_a_status_that_somebody_else_wrote_is_forgotten() -> None:
    raw = {"metadata": metadata(), "spec": {"source": {"image": "a"}}, "status": {"conditions": "none"}}
    assert facts.migration(raw).status == Status()


def job(status: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {"metadata": metadata(creationTimestamp="t0", ownerReferences=[OWNER], **fields), "status": status}


def condition(kind: str, status: str = "True", **fields: str) -> dict[str, Any]:
    return {"type": kind, "status": status, "lastTransitionTime": "t9"} | fields


JOBS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new": (job(), {"outcome": "", "finished_at": "", "failure": "", "started_at": "t0", "is_taken_up": False}),
    "started": (job({"startTime": "t1"}), {"started_at": "t1", "is_taken_up": True, "deleting": False}),
    "complete": (
        job({"completionTime": "t8", "conditions": [condition("SuccessCriteriaMet"), condition("Complete")]}),
        {"outcome": "Complete", "finished_at": "t8", "failure": ""},
    ),
    "failed": (
        job({"conditions": [condition("Failed", reason="DeadlineExceeded")]}),
        {"outcome": "Failed", "finished_at": "t9", "failure": "DeadlineExceeded"},
    ),
    "failing, but its pods still end": (
        job({"conditions": [condition("FailureTarget", reason="PodFailurePolicy")]}),
        {"outcome": "", "failure": ""},
    ),
    "suspended once": (job({"conditions": [condition("Suspended"), condition("Failed", "False")]}), {"outcome": ""}),
    "being deleted": (job(deletionTimestamp="t2"), {"deleting": True}),
    "owned": (job(), {"owner": "u1", "uid": "u1", "name": "users"}),
    "not owned": ({"metadata": metadata(ownerReferences=[OWNER | {"controller": False}])}, {"owner": ""}),
}


@pytest.mark.parametrize(("raw", "facts_of_it"), [pytest.param(*case, id=name) for name, case in JOBS.items()])
def test_a_job_that_is(raw: dict[str, Any], facts_of_it: dict[str, Any]) -> None:
    read = facts.job(raw)
    assert {name: getattr(read, name) for name in facts_of_it} == facts_of_it


@pytest.mark.parametrize(("written", "attempt"), [("1", 1), ("12", 12), ("0", 1), ("-1", 1), ("many", 1), ("", 1)])
def test_the_attempt_of_a_job_is_a_number_from_one_on(written: str, attempt: int) -> None:
    assert facts.job(job(annotations={"alembic-operator.dev/attempt": written})).attempt == attempt
    assert facts.job(job()).attempt == 1


def pod(*containers: dict[str, Any], phase: str = "Running", **status: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": "users-1-x", "creationTimestamp": "t0", "ownerReferences": [OF_A_JOB]},
        "status": {"phase": phase, "containerStatuses": list(containers)} | status,
    }


def container(name: str = "migrate", image: str = "users:1", image_id: str = "", **state: Any) -> dict[str, Any]:
    return {"name": name, "image": image, "imageID": image_id, "state": state}


def waiting(reason: str, message: str = "") -> dict[str, Any]:
    return container(waiting={"reason": reason, "message": message})


def terminated(code: int, message: str = "", **fields: Any) -> dict[str, Any]:
    return container(terminated={"exitCode": code, "message": message, "finishedAt": "t7"} | fields)


PODS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "new": (
        {"metadata": {"name": "users-1-x"}},
        {"phase": "Pending", "running": False, "job": "", "created_at": "", "result": None, "ended": False},
    ),
    "owned by its Job": (pod(), {"name": "users-1-x", "job": "users-1", "created_at": "t0"}),
    "running": (pod(container(running={})), {"running": True, "waiting_reason": "", "ended": False}),
    "installing the runner": (
        pod(
            waiting("PodInitializing"),
            phase="Pending",
            initContainerStatuses=[container("install-runner", running={"startedAt": "t1"})],
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
            "finished_at": "t7",
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
    read = facts.pod(raw)
    assert {name: getattr(read, name) for name in facts_of_it} == facts_of_it


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
    assert facts.pod(pod(container(image=image, image_id=image_id))).image == told


def containers(*ports: dict[str, Any]) -> dict[str, Any]:
    template = {"spec": {"containers": [{"name": "sidecar"}, {"name": "postgres", "ports": list(ports)}]}}
    return a_postgres(spec={"serviceName": "db", "template": template})


PORTS: dict[str, tuple[dict[str, Any], int]] = {
    "named postgres": (a_postgres(), 6432),
    "named postgresql": (
        containers({"name": "postgresql", "containerPort": 15432}, {"name": "x", "containerPort": 5432}),
        15432,
    ),
    "the usual one": (containers({"containerPort": 9187}, {"containerPort": 5432}), 5432),
    "the only one": (containers({"name": "db", "containerPort": 7000}), 7000),
    "one of several": (containers({"containerPort": 1}, {"containerPort": 2}), 5432),
    "none": (containers(), 5432),
}


@pytest.mark.parametrize(("raw", "port"), [pytest.param(*case, id=name) for name, case in PORTS.items()])
def test_the_port_of_a_database_is(raw: dict[str, Any], port: int) -> None:
    assert facts.database_server(raw).port == port


def test_the_headless_service_of_a_statefulset_is_the_host() -> None:
    read = facts.database_server(a_postgres())
    assert (read.name, read.host, read.ready) == ("postgres", "postgres-headless.shop.svc", True)


def test_a_statefulset_without_a_service_name_is_reached_by_its_own() -> None:
    raw = a_postgres()
    raw["spec"]["serviceName"] = ""
    assert facts.database_server(raw).host == "postgres.shop.svc"


@pytest.mark.parametrize("status", [{}, None, {"readyReplicas": 0}, {"replicas": 3}], ids=str)
def test_a_database_without_a_ready_replica_is_not_ready(status: Any) -> None:
    assert not facts.database_server(a_postgres(status=status)).ready
