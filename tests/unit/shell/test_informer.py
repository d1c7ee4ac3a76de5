"""Which news must be looked at at once: a look costs as much as a request."""

from typing import Any

import pytest

from alembic_operator.core import names
from alembic_operator.kube.cluster import DEPLOYMENTS, JOBS, MIGRATIONS, PODS, Resource
from alembic_operator.shell.informer import can_wait

RUN = {"labels": {names.RUN_LABEL: "users", names.MIGRATION_LABEL: "users"}}
GATED = {"labels": {names.MIGRATION_LABEL: "users"}}
DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def job(*conditions: dict[str, str], **metadata: Any) -> dict[str, Any]:
    return {"metadata": RUN | metadata, "status": {"active": 1, "conditions": list(conditions)}}


def pod(phase: str, metadata: dict[str, Any] = RUN) -> dict[str, Any]:
    return {"metadata": metadata, "status": {"phase": phase}}


@pytest.mark.parametrize(
    ("resource", "raw"),
    [
        (JOBS, job({"type": "Complete", "status": "True"})),
        (JOBS, job({"type": "Failed", "status": "True"})),
        (JOBS, job(**DELETED)),
        (PODS, pod("Running")),
        (PODS, pod("Failed")),
        (PODS, pod("Succeeded", RUN | DELETED)),
        (MIGRATIONS, {"metadata": {}}),
        (DEPLOYMENTS, {"metadata": {}}),
    ],
)
def test_news_that_decide_something_are_looked_at_at_once(resource: Resource, raw: Any) -> None:
    assert not can_wait(resource, {"type": "MODIFIED", "object": raw})


@pytest.mark.parametrize(("resource", "raw"), [(JOBS, job()), (PODS, pod("Pending"))])
def test_the_end_of_a_job_or_of_its_pod_may_let_the_next_run_begin(resource: Resource, raw: Any) -> None:
    assert not can_wait(resource, {"type": "DELETED", "object": raw})


def test_pods_that_wait_for_a_migration_go_in_swarms_too() -> None:
    assert can_wait(PODS, {"type": "DELETED", "object": pod("Running", GATED)})


@pytest.mark.parametrize(
    ("resource", "raw"),
    [
        (JOBS, job()),
        (JOBS, job({"type": "SuccessCriteriaMet", "status": "True"})),
        (JOBS, job({"type": "Complete", "status": "False"})),
        (JOBS, {"metadata": RUN, "status": "nonsense"}),
        (PODS, pod("Pending")),
        (PODS, pod("Succeeded")),
        (PODS, pod("Running", GATED)),
        (PODS, pod("Running", GATED | DELETED)),
    ],
)
def test_a_job_that_is_taken_up_and_a_pod_that_does_not_run_yet_wait_for_the_next_news(
    resource: Resource, raw: Any
) -> None:
    assert can_wait(resource, {"type": "MODIFIED", "object": raw})
