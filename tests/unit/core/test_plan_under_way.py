"""What is said of a run while it is under way."""

from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    LOCKED,
    UP_TO_DATE,
    a_job,
    a_pod,
    at,
    ended,
    name_of,
    ready,
    running,
    seen,
    told,
)

NAME = name_of(seen())
JOB = a_job(NAME)
NEW_JOB = a_job(NAME, started_at=at(-2))
UNDER_WAY: dict[str, tuple[Job, Pod | None, str, str]] = {
    "no pod yet": (NEW_JOB, None, "Pending", f"Job {NAME} was created; its pod has not started yet"),
    "no pod for long": (JOB, None, "PodNotCreated", f"Job {NAME} has no pod: a quota, Pod Security or a missing"),
    "a pod that was deleted": (
        replace(JOB, has_lost_pods=True),
        None,
        "Retrying",
        f"the pod of Job {NAME} is gone; the Job makes another one",
    ),
    "a job that is suspended": (replace(JOB, is_taken_up=False), None, "Pending", f"Job {NAME} was created"),
    "a job without a start": (replace(JOB, started_at=""), None, "Pending", f"Job {NAME} was created"),
    "a pod that waits": (JOB, a_pod(NAME), "Pending", f"Job {NAME} was created; its pod has not started yet"),
    "a pod that runs": (JOB, running(NAME), "Migrating", f"pod {NAME}-0 is migrating"),
    "a pod that just succeeded": (JOB, ended(NAME, 0, UP_TO_DATE), "Migrating", f"pod {NAME}-0 is migrating"),
    "no node": (
        JOB,
        a_pod(NAME, unschedulable="0/1 nodes are available"),
        "Unschedulable",
        f"pod {NAME}-0: 0/1 nodes are available",
    ),
    "an image that backs off": (
        JOB,
        a_pod(
            NAME,
            waiting_reason="ImagePullBackOff",
            waiting_message='Back-off pulling image "users:9": ErrImagePull: not found',
        ),
        "ImagePullFailed",
        f"pod {NAME}-0: not found; correct the image, its tag or its pull secret",
    ),
    "an image that cannot be pulled": (
        JOB,
        a_pod(NAME, waiting_reason="ErrImagePull", waiting_message="not found"),
        "ImagePullFailed",
        f"pod {NAME}-0: not found; correct the image, its tag or its pull secret",
    ),
    "a secret that is missing": (
        JOB,
        a_pod(NAME, waiting_reason="CreateContainerConfigError", waiting_message='secret "users-db" not found'),
        "SecretNotFound",
        f'pod {NAME}-0: secret "users-db" not found; create it, and the Job goes on by itself',
    ),
    "a key that is missing": (
        JOB,
        a_pod(
            NAME, waiting_reason="CreateContainerConfigError", waiting_message="couldn't find key url in Secret shop/db"
        ),
        "SecretNotFound",
        f"pod {NAME}-0: couldn't find key url in Secret shop/db; add it, and the Job goes on by itself",
    ),
    "a user that is not allowed": (
        JOB,
        a_pod(
            NAME,
            waiting_reason="CreateContainerConfigError",
            waiting_message="container has runAsNonRoot and image will run as root",
        ),
        "ContainerRefused",
        f"pod {NAME}-0: container has runAsNonRoot and image will run as root",
    ),
    "a reason without a message": (
        JOB,
        a_pod(NAME, waiting_reason="CreateContainerError"),
        "ContainerRefused",
        f"pod {NAME}-0: CreateContainerError",
    ),
}


@pytest.mark.parametrize(
    ("job", "pod", "reason", "message"), [pytest.param(*case, id=name) for name, case in UNDER_WAY.items()]
)
def test_a_job_that_is_under_way_with(job: Job, pod: Pod | None, reason: str, message: str) -> None:
    planned = plan(seen(jobs=(job,), pods=(pod,) if pod else ()))
    assert told(planned) == (Effect.RECONCILING, reason)
    assert ready(planned).message.startswith(message)
    assert planned.actions == ()
    assert planned.status.last_run is not None
    assert planned.status.last_run.started_at == (None if reason == "Pending" else job.started_at)


def test_the_start_of_a_run_is_told_once_though_the_job_controller_says_it_later() -> None:
    job, pods = a_job(NAME, started_at=at(-2)), (running(NAME),)
    first = plan(seen(jobs=(job,), pods=pods)).status
    assert plan(seen(jobs=(replace(job, started_at=at(-1)),), pods=pods, status=first)).status == first


def test_a_job_without_a_pod_is_looked_at_again_when_patience_ends() -> None:
    assert plan(seen(jobs=(NEW_JOB,))).requeue_after == 3


def test_the_newest_pod_speaks_for_the_job() -> None:
    pods = (ended(NAME, 75, LOCKED, name="old"), running(NAME, name="new", created_at=at(-10)))
    assert ready(plan(seen(jobs=(JOB,), pods=pods))).message == "pod new is migrating"


def test_a_pod_that_was_evicted_is_missed_and_not_called_refused() -> None:
    running_one = plan(seen(jobs=(JOB,), pods=(running(NAME),))).status
    missed = plan(seen(jobs=(JOB,), status=running_one))
    assert told(missed) == (Effect.RECONCILING, "Retrying")
    assert ready(missed).message.startswith(f"the pod of Job {NAME} is gone")
    assert plan(seen(jobs=(JOB,), status=missed.status)).status == missed.status
