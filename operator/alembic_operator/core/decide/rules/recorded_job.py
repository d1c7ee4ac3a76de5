"""How a Job ended whose pods are gone."""

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import at_slow_pace, remembered
from alembic_operator.core.decision import Decision


def recorded_job(case: Case) -> Decision | None:
    """The Job of these inputs has ended, and its pods are gone: what the status tells of it."""
    job, last = case.job, case.seen.migration.status.last_run
    if job is None or last is None or not last.finished_at:
        return None
    if (last.identity, last.attempt) != (job.name, job.attempt):
        return None
    return at_slow_pace(case.seen, job, remembered(case.seen.migration.status, last))
