"""In which order it is decided about an import: the first rule that applies does."""

from dataclasses import dataclass

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.contract.imports import FIRST, IMPORTED, SECOND, ImportAnswer
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, DeleteJob
from alembic_operator.core.imports import manifest
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.holders import told
from alembic_operator.core.imports.observation import ImportPod
from alembic_operator.core.manifests import harmless
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import ENDED
from alembic_operator.core.runs import progress

_FIRST_PAUSE, _LONGEST_PAUSE = 60.0, 600.0
"""Seconds until a Job is made anew that time can heal."""

_STARTS_WITHIN = 30.0
"""Seconds within which a node has a volume ready."""

_LOOK_AGAIN, _SOON, _AT_ONCE = 10.0, 2.0, 0.1
_AT_LEAST = 300.0

_STEPS = {
    names.COPY: "copies the file",
    names.UPGRADE: "upgrades the copy with the application's scripts",
    names.LOAD: "scans, loads and verifies",
}
_CHANGED = (
    "; its specification was changed after that, which does nothing: an import runs once. To import again, empty the"
    " tables, remove the mark and make another DatabaseImport"
)


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
    rules = (
        _done,
        _invalid,
        _refused,
        _under_way,
        _imported,
        _halfway,
        _unsuitable,
        _waiting,
        _ended,
        _remembered,
        _behind_another,
        _not_stopped,
        _start,
    )
    return next(filter(None, (rule(case) for rule in rules)))


def _done(case: Case) -> Decided | None:
    """It is complete: nothing is ever imported again, whatever else changes."""
    status = case.seen.asked.status
    if not status.imported_at:
        return None
    ready = next((one for one in status.conditions if one.reason == Reason.IMPORTED), None)
    said = f"{status.rows or 0} rows of {status.tables or 0} tables are in the database"
    message = ready.message.removesuffix(_CHANGED) if ready else said
    changed = status.imported_generation and case.seen.asked.generation != status.imported_generation
    return Decided(Reason.IMPORTED, f"{message}{_CHANGED}" if changed else message)


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
    message = f"the API server refuses the Job: {refusal.message}"
    if refusal.forbidden:
        return Decided(Reason.JOB_FORBIDDEN, message, requeue_after=_FIRST_PAUSE)
    return Decided(Reason.JOB_INVALID, message)  # which is remembered: the same Job would be refused again


def _under_way(case: Case) -> Decided | None:
    """A Job has not ended: whatever its inputs were, no other one begins beside it."""
    job = case.running
    if job is None:
        return None
    if job.deleting:
        return Decided(Reason.WAITING_FOR_PREVIOUS_JOB, f"Job {job.name} is being deleted", requeue_after=_LOOK_AGAIN)
    pod = case.pod_of(job)
    if pod is None:
        none = progress.without_pod(job, case.seen.now)
        return Decided(none.reason, none.message, requeue_after=_LOOK_AGAIN, job=job)
    reason, message = _standing(case, pod)
    changed = _OTHERWISE if case.name not in ("", job.name) else ""
    return Decided(reason, f"{message}{changed}", requeue_after=_LOOK_AGAIN, job=job)


_OTHERWISE = "; what it was made of has changed meanwhile, and counts from the next attempt on"


_FINAL = (IMPORTED, FIRST, "findings", "failed")
"""After such an answer no other pod follows."""


def _standing(case: Case, pod: ImportPod) -> tuple[Reason, str]:
    if pod.answer and pod.answer.outcome in _FINAL:
        return Reason.IMPORTING, f"pod {pod.name} has ended, and its Job is about to"
    if pod.exit_code:
        said = pod.answer.message if pod.answer else _end(pod)
        return _reason(pod.answer), f"pod {pod.name} ended: {said}; its Job tries again"
    far = case.seen.progress if pod.step == names.LOAD else None
    return _kept(case, pod) or (Reason.IMPORTING, f"pod {pod.name} {far or _STEPS.get(pod.step, 'runs')}")


def _kept(case: Case, pod: ImportPod) -> tuple[Reason, str] | None:
    """Return what keeps a pod from its first or next step; None: nothing does."""
    claim, holders = case.claim, case.seen.holders
    who = f"; {told(holders)}" if holders else ""
    if "volume" in pod.unschedulable.lower():
        said = f"no node takes pod {pod.name}: {pod.unschedulable} (PersistentVolumeClaim {claim}){who}"
        return Reason.WAITING_FOR_VOLUME, said
    if pod.waiting_reason or pod.unschedulable:
        kept = progress.kept_from_starting(pod)
        return kept.reason, kept.message
    if pod.step:
        return None
    if pod.has_its_volumes or case.seconds_since(pod.created_at) < _STARTS_WITHIN:
        return Reason.PENDING, f"pod {pod.name} has not started yet"
    return Reason.WAITING_FOR_VOLUME, (
        f"pod {pod.name} waits for PersistentVolumeClaim {claim}: a ReadWriteOnce volume is on one node at a time,"
        f" so stop the pods that have it elsewhere; kubectl describe pod {pod.name} names what is in the way{who}"
    )


def _imported(case: Case) -> Decided | None:
    """A Job of whatever inputs has said that all is there."""
    for job in case.jobs:
        pod = case.pod_of(job)
        if pod and pod.answer and pod.answer.outcome == IMPORTED and job.outcome == "Complete":
            answer = pod.answer
            how = "an earlier import has left its mark" if answer.earlier else "compared, and equal"
            late = f". {answer.message}" if answer.message and not answer.earlier else ""
            message = f"{answer.rows} rows of {answer.tables} tables are in the database: {how}{late}"
            return Decided(Reason.IMPORTED, message, job=job, answer=answer)
    return None


def _halfway(case: Case) -> Decided | None:
    """The first of two passes is complete, and was not yet told."""
    job = next((one for one in case.jobs if one.name == case.name and one.outcome == "Complete"), None)
    pod = case.pod_of(job) if job and case.turn == FIRST else None
    if pod is None or not pod.answer or pod.answer.outcome != FIRST:
        return None
    said = f"the first pass is complete: {pod.answer.rows} rows of {pod.answer.tables} tables"
    return Decided(Reason.WAITING_FOR_STOP, said, None, _AT_ONCE, job, pod.answer)


def _not_stopped(case: Case) -> Decided | None:
    """The second pass starts when somebody has stopped the application, and its pods are gone."""
    if case.turn != SECOND or case.spec.cutover is None:
        return None
    workload, holders, claim = case.spec.cutover.workload, case.seen.holders, case.claim
    named = f"{workload.kind} {workload.name}"
    if case.seen.stopped is None:
        why = f"{named} does not exist: correct spec.cutover.workload"
    elif case.seen.stopped.replicas:
        command = f"kubectl scale {workload.kind.lower()} {workload.name} --replicas=0"
        why = f"stop {named} for the second: {command}"
    elif holders:
        why = f"{named} is scaled to zero; the second follows when nobody has PersistentVolumeClaim {claim}:"
        why = f"{why} {told(holders)}"
    else:
        return None
    return Decided(Reason.WAITING_FOR_STOP, f"the first pass is complete; {why}", requeue_after=_SOON)


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
    late = not answer and job.failure == Reason.DEADLINE_EXCEEDED
    said = answer.message if answer else _late(case) if late else _end(pod) if pod and pod.exit_code else job.failure
    message = f"attempt {job.attempt} ended: {said or 'no answer'}; nothing half is visible, and another one follows"
    action = DeleteJob(job.name, job.uid) if left <= 0 else None
    reason = Reason.DEADLINE_EXCEEDED if late else _reason(answer)
    return Decided(reason, message, action, max(left, 1.0), job, answer)


def _late(case: Case) -> str:
    return f"it took longer than spec.deadline, {case.spec.deadline}; set a longer one"


def _reason(answer: ImportAnswer | None) -> Reason:
    """Return why it is tried again: the pod's own reason, of those that time can heal."""
    told = next((one for one in Reason if answer and one == answer.reason), Reason.IMPORT_INTERRUPTED)
    return told if told.effect is Effect.RECONCILING else Reason.IMPORT_INTERRUPTED


def _end(pod: ImportPod) -> str:
    """Return how a container ended that has said nothing itself."""
    return f"exit code {pod.exit_code} ({pod.ended_as}); kubectl logs {pod.name} -c {pod.step} says more"


_HOW = "Mend it, and annotate the import with alembic-operator.dev/retry=NEW-VALUE, or change its specification"


def _findings(answer: ImportAnswer) -> str:
    first = answer.findings[0] if answer.findings else None
    told = f"; {first.table}{'.' * bool(first.column)}{first.column}: {first.message}" if first else ""
    stand = "1 finding stands" if answer.total == 1 else f"{answer.total} findings stand"
    return f"{stand} in the way, and nothing was written{told}. {_HOW}"


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


def _behind_another(case: Case) -> Decided | None:
    """Pods of an earlier Job are still there, or another import fills the same database."""
    left = next((one for one in case.seen.pods if one.job and one.phase not in ENDED), None)
    if left is not None:
        why = f"pod {left.name} of Job {left.job} is still there"
        return Decided(Reason.WAITING_FOR_PREVIOUS_JOB, f"{why}; this import follows", requeue_after=_LOOK_AGAIN)
    if case.seen.others:
        why = f"DatabaseImport {case.seen.others[0]} fills the same database"
        return Decided(Reason.WAITING_FOR_PREVIOUS_JOB, f"{why}; this one follows", requeue_after=_LOOK_AGAIN)
    return None


def _start(case: Case) -> Decided:
    seen = case.seen
    again = seen.asked.status.job == case.name
    attempt = seen.asked.status.attempt + 1 if again else 1
    pod = manifest.pod(seen.asked, case.spec, case.ground, (case.target, case.turn), seen.image)
    pod = manifest.near(pod, {one.node for one in seen.holders if one.node})
    if seen.asks_progress:
        pod = manifest.answering(pod, f"{seen.asked.namespace}/{case.name}")
    made = manifest.build(case.name, attempt, seen.asked, pod, case.spec)
    return Decided(Reason.PENDING, f"Job {case.name} is made", CreateJob(made), _LOOK_AGAIN)
