"""In which order it is decided about an import: the first rule that applies does."""

from dataclasses import dataclass

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.contract.imports import ImportAnswer
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, DeleteJob
from alembic_operator.core.imports import manifest
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.observation import ImportPod
from alembic_operator.core.manifests import harmless
from alembic_operator.core.observation.jobs import Job

_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 600.0
"""Seconds until a Job is made anew that time can heal."""

_STARTS_WITHIN = 30.0
"""Seconds within which a node has a volume ready."""

_LOOK_AGAIN = 10.0
_AT_LEAST = 300.0

_STEPS = {
    names.COPY: "copies the file",
    names.UPGRADE: "upgrades the copy with the application's scripts",
    names.LOAD: "scans, loads and verifies",
}
_KUBELET = {
    "ErrImagePull": Reason.IMAGE_PULL_FAILED,
    "ImagePullBackOff": Reason.IMAGE_PULL_FAILED,
    "InvalidImageName": Reason.IMAGE_PULL_FAILED,
    "CreateContainerConfigError": Reason.SECRET_NOT_FOUND,
}


@dataclass(frozen=True)
class Decided:
    """Why the import stands as it does, and what follows."""

    reason: Reason
    message: str
    action: CreateJob | DeleteJob | None = None
    requeue_after: float | None = None
    job: Job | None = None
    """Which this is about."""
    answer: ImportAnswer | None = None
    """What its pod has said at its end."""


def decide(case: Case) -> Decided:
    """Return what the first rule decides that applies."""
    rules = (_done, _invalid, _refused, _under_way, _imported, _unsuitable, _waiting, _ended, _remembered, _start)
    return next(filter(None, (rule(case) for rule in rules)))


def _done(case: Case) -> Decided | None:
    """It is complete: nothing is ever imported again, whatever else changes."""
    status = case.seen.asked.status
    if not status.imported_at:
        return None
    ready = next((one for one in status.conditions if one.reason == Reason.IMPORTED), None)
    said = f"{status.rows or 0} rows of {status.tables or 0} tables are in the database"
    return Decided(Reason.IMPORTED, ready.message if ready else said)


def _invalid(case: Case) -> Decided | None:
    asked = case.seen.asked
    if asked.spec is None:
        return Decided(Reason.INVALID_SPEC, asked.spec_error)
    wrong = harmless.complaint(asked.spec.job_template) if case.seen.limits_job_template else ""
    return Decided(Reason.INVALID_SPEC, wrong) if wrong else None


def _refused(case: Case) -> Decided | None:
    refusal = case.seen.refusal
    if refusal is None:
        return None
    reason = Reason.JOB_FORBIDDEN if refusal.forbidden else Reason.JOB_INVALID
    return Decided(reason, f"the API server refuses the Job: {refusal.message}", requeue_after=_FIRST_PAUSE)


def _under_way(case: Case) -> Decided | None:
    """A Job has not ended: whatever its inputs were, no other one begins beside it."""
    job = case.running
    if job is None:
        return None
    if job.deleting:
        return Decided(Reason.WAITING_FOR_PREVIOUS_JOB, f"Job {job.name} is being deleted", requeue_after=_LOOK_AGAIN)
    pod = case.pod_of(job)
    if pod is None:
        return Decided(Reason.PENDING, f"Job {job.name} has no pod yet", requeue_after=_LOOK_AGAIN, job=job)
    reason, message = _standing(case, pod)
    return Decided(reason, message, requeue_after=_LOOK_AGAIN, job=job)


def _standing(case: Case, pod: ImportPod) -> tuple[Reason, str]:
    claim = case.spec.from_.sqlite.volume.persistent_volume_claim.claim_name
    if pod.exit_code:
        said = pod.answer.message if pod.answer else _end(pod)
        return Reason.IMPORT_INTERRUPTED, f"pod {pod.name} ended: {said}; its Job tries again"
    if pod.unschedulable:
        about_volume = "volume" in pod.unschedulable.lower()
        reason = Reason.WAITING_FOR_VOLUME if about_volume else Reason.UNSCHEDULABLE
        return reason, f"no node takes pod {pod.name}: {pod.unschedulable} (PersistentVolumeClaim {claim})"
    if pod.waiting:
        reason = _KUBELET.get(pod.waiting.partition(":")[0], Reason.CONTAINER_REFUSED)
        return reason, f"pod {pod.name} cannot start: {pod.waiting}"
    if not pod.step:
        if case.seconds_since(pod.created_at) < _STARTS_WITHIN:
            return Reason.PENDING, f"pod {pod.name} has not started yet"
        return Reason.WAITING_FOR_VOLUME, (
            f"pod {pod.name} waits for PersistentVolumeClaim {claim}: a ReadWriteOnce volume is on one node at a time,"
            f" so stop the pods that have it elsewhere; kubectl describe pod {pod.name} names what is in the way"
        )
    return Reason.IMPORTING, f"pod {pod.name} {_STEPS.get(pod.step, 'runs')}"


def _imported(case: Case) -> Decided | None:
    """A Job of whatever inputs has said that all is there."""
    for job in case.jobs:
        pod = case.pod_of(job)
        if pod and pod.answer and pod.answer.outcome == "imported" and job.outcome == "Complete":
            answer = pod.answer
            how = "an earlier import has left its mark" if answer.earlier else "compared, and equal"
            message = f"{answer.rows} rows of {answer.tables} tables are in the database: {how}"
            return Decided(Reason.IMPORTED, message, job=job, answer=answer)
    return None


def _unsuitable(case: Case) -> Decided | None:
    ground, name = case.seen.ground, case.spec.migration_ref.name
    spec = ground.migration.spec if ground else None
    if spec is None:
        return None
    if spec.database is None:
        return Decided(Reason.INVALID_SPEC, f"DatabaseMigration {name} has no spec.database: say there where to import")
    if spec.tenants is not None:
        return Decided(Reason.INVALID_SPEC, f"DatabaseMigration {name} has spec.tenants: name one without them")
    return None


def _waiting(case: Case) -> Decided | None:
    return Decided(Reason.WAITING_FOR_MIGRATION, case.missing, requeue_after=_AT_LEAST) if case.missing else None


def _ended(case: Case) -> Decided | None:
    """The Job of these inputs has ended, and not well."""
    job = next((one for one in case.jobs if one.name == case.name), None)
    if job is None:
        return None
    pod = case.pod_of(job)
    answer = pod.answer if pod else None
    if answer and answer.outcome == "findings":
        return Decided(Reason.FINDINGS, _findings(answer), job=job, answer=answer)
    if answer and answer.outcome == "failed":
        return Decided(Reason.IMPORT_FAILED, f"{answer.message}. {_HOW}", job=job, answer=answer)
    pause = min(_FIRST_PAUSE * 2 ** min(job.attempt - 1, 10), _LONGEST_PAUSE)
    left = pause - case.seconds_since(job.finished_at)
    said = answer.message if answer else _end(pod) if pod and pod.exit_code else job.failure or "no answer"
    message = f"attempt {job.attempt} ended: {said}; nothing half is visible, and another one follows"
    action = DeleteJob(job.name, job.uid) if left <= 0 else None
    return Decided(Reason.IMPORT_INTERRUPTED, message, action, max(left, 1.0), job, answer)


def _end(pod: ImportPod) -> str:
    """Return how a container ended that has said nothing itself."""
    return f"exit code {pod.exit_code} ({pod.ended_as}); kubectl logs {pod.name} -c {pod.step} says more"


_HOW = "Mend it, and annotate the import with alembic-operator.dev/retry=NEW-VALUE, or change its specification"


def _findings(answer: ImportAnswer) -> str:
    first = answer.findings[0] if answer.findings else None
    told = f"; {first.table}{'.' * bool(first.column)}{first.column}: {first.message}" if first else ""
    return f"{answer.total} findings stand in the way, and nothing was written{told}. {_HOW}"


def _remembered(case: Case) -> Decided | None:
    """The Job of these inputs is gone, and its end is told: time does not change that."""
    status = case.seen.asked.status
    if status.job != case.name or not status.outcome:
        return None
    reason = next((one for one in Reason if one == status.outcome), None)
    if reason is None or reason.effect is not Effect.STALLED:
        return None
    ready = next((one for one in status.conditions if one.type == "Ready"), None)
    return Decided(reason, ready.message if ready else "")


def _start(case: Case) -> Decided:
    seen = case.seen
    again = seen.asked.status.job == case.name
    attempt = seen.asked.status.attempt + 1 if again else 1
    pod = manifest.pod(seen.asked, case.spec, case.ground, case.target, seen.image)
    made = manifest.build(case.name, attempt, seen.asked, pod, case.spec)
    return Decided(Reason.PENDING, f"Job {case.name} is made", CreateJob(made), _LOOK_AGAIN)
