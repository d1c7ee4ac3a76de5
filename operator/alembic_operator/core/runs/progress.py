"""Say how a Job that is not finished stands, from what the kubelet and the scheduler say of its pods."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.contract import JOB_FAILING_EXIT_CODES
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.observation.results import run_error
from alembic_operator.core.runs import messages, run

PATIENCE = 5.0
"""Seconds that a Job may be without any pod before that is called a problem."""

_PULL_REASONS = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")

_NO_POD = "Job {} has no pod: a quota, Pod Security or a missing service account refuses it; kubectl describe job {}"

_GONE = "the pod of Job {} is gone; the Job makes another one; when none comes: kubectl describe job {}"


def progress(job: Job, pods: Sequence[Pod], now: datetime) -> Decision:
    """Return the decision on a Job that is under way; `pods` are its own, newest first."""
    newest = _spoken_of(pods)
    if newest is None:
        return without_pod(job, now)
    if newest.waiting_reason or newest.unschedulable:
        return kept_from_starting(newest)
    if newest.phase == "Failed" and newest.exit_code not in JOB_FAILING_EXIT_CODES:
        end = run.pod_ending(newest)
        error = run_error(end.error)
        said = messages.failed(error) if error else str(end.reason)
        # Only a reason that says "wait" can be told before the Job itself has ended.
        reason = end.reason if end.reason.effect is Effect.RECONCILING else Reason.RETRYING
        return Decision(reason, f"{said}; Job {job.name} tries again")
    if newest.running or newest.ended:
        return Decision(Reason.MIGRATING, f"pod {newest.name} is migrating")
    return created(job.name)


def _spoken_of(pods: Sequence[Pod]) -> Pod | None:
    """Return the newest pod; of several servers the newest of one where something is being done, if there is one."""
    newest: dict[str, Pod] = {}
    for pod in pods:
        newest.setdefault(pod.server, pod)
    return next((one for one in newest.values() if one.running), pods[0] if pods else None)


def created(name: str, requeue_after: float | None = None) -> Decision:
    """Return the decision on a Job that has just been created: one text until its pod runs, so one status write."""
    return Decision(Reason.PENDING, f"Job {name} was created; its pod has not started yet", requeue_after=requeue_after)


def without_pod(job: Job, now: datetime) -> Decision:
    """Return the decision on a Job that has no pod."""
    if not job.is_taken_up:
        return created(job.name)
    waited = (now - (moment(job.started_at) or now)).total_seconds()
    if waited < PATIENCE:
        return created(job.name, requeue_after=PATIENCE - waited)
    if job.has_lost_pods:
        return Decision(Reason.RETRYING, _GONE.format(job.name, job.name))
    return Decision(Reason.POD_NOT_CREATED, _NO_POD.format(job.name, job.name))


class Kept(Protocol):
    """A pod of any kind of Job that may be kept from starting."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def waiting_reason(self) -> str:
        """As of a Pod."""

    @property
    def waiting_message(self) -> str:
        """As of a Pod."""

    @property
    def unschedulable(self) -> str:
        """As of a Pod."""


def kept_from_starting(pod: Kept) -> Decision:
    """Return why the kubelet does not start a pod's container, or the scheduler finds no node for it."""
    if not pod.waiting_reason:
        return Decision(Reason.UNSCHEDULABLE, f"pod {pod.name}: {pod.unschedulable}")
    # The kubelet says "Back-off pulling image ...: ErrImagePull: WHY" and "WHY" in turn: one text, one status.
    said = f"pod {pod.name}: {(pod.waiting_message or pod.waiting_reason).split('ErrImagePull: ')[-1]}"
    if pod.waiting_reason in _PULL_REASONS:
        return Decision(Reason.IMAGE_PULL_FAILED, f"{said}; correct the image, its tag or its pull secret")
    if pod.waiting_reason == "CreateContainerConfigError" and "not found" in pod.waiting_message:
        return Decision(Reason.SECRET_NOT_FOUND, f"{said}; create it, and the Job goes on by itself")
    if pod.waiting_reason == "CreateContainerConfigError" and "couldn't find key" in pod.waiting_message:
        return Decision(Reason.SECRET_NOT_FOUND, f"{said}; add it, and the Job goes on by itself")
    return Decision(Reason.CONTAINER_REFUSED, said)
