"""A report that may be out of date."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import deletion
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.jobs import Job


def superseded_job(case: Case) -> Decision | None:
    """Another run began after the Job of these inputs had ended: its report is out of date."""
    if case.job is None or not _is_superseded(case, case.job):
        return None
    return Decision(
        Reason.WAITING_FOR_PREVIOUS_JOB,
        f"the report of Job {case.job.name} is out of date, because another run followed; the Job is created again",
        actions=deletion(case.job),
    )


def _is_superseded(case: Case, job: Job) -> bool:
    """Return whether another run began after this one had ended: the database may contain something else by now."""
    last = case.seen.migration.status.last_run
    began = [one.started_at for one in case.seen.jobs if one.name != job.name]
    if last and last.identity != job.name:
        began.append(last.started_at or "")
    return max(began, default="") >= job.finished_at
