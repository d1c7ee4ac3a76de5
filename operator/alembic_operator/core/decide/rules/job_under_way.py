"""How a Job stands that has not ended."""

from dataclasses import replace

from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import LastRun
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import reason_of
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.runs import progress, run


def job_under_way(case: Case) -> Decision | None:
    """The Job of these inputs has not ended: what its newest pod does, or what keeps that from starting."""
    job = case.running_job
    if job is None:
        return None
    job = replace(job, has_lost_pods=job.has_lost_pods or _had_pod(case, job))
    found = progress.progress(job, run.pods_of(job, case.seen.pods), case.seen.now)
    if found.reason is Reason.MIGRATING and case.seen.progress:
        found = replace(found, message=str(case.seen.progress))
    started_at = _told_start(case, job) or (job.started_at if found.reason is not Reason.PENDING else None)
    return replace(found, under_way=LastRun(job=job.name, attempt=job.attempt, started_at=started_at or None))


def _had_pod(case: Case, job: Job) -> bool:
    """Return whether the status tells of a pod of this attempt: the Job does not count one that was evicted."""
    reason = reason_of(case.seen.migration.status.conditions)
    return _told_start(case, job) is not None and reason not in (Reason.PENDING, Reason.POD_NOT_CREATED)


def _told_start(case: Case, job: Job) -> str | None:
    """Return the start that the status tells already: a second that moves is not worth a write."""
    last = case.last_run_of(job.name)
    return last.started_at if last and last.attempt == job.attempt and not last.finished_at else None
