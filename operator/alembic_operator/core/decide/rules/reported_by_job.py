"""A Job that ended before pods were to migrate."""

from alembic_operator.api.reasons import Effect
from alembic_operator.core.decide.case import Case, remembers
from alembic_operator.core.decide.rules.finished_job import finished_job
from alembic_operator.core.decide.rules.recorded_job import recorded_job
from alembic_operator.core.decide.rules.superseded_job import superseded_job
from alembic_operator.core.decide.rules.unreported_job import unreported_job
from alembic_operator.core.decision import Decision

_AS_OF_A_JOB = (superseded_job, finished_job, recorded_job, unreported_job)


def reported_by_job(case: Case) -> Decision | None:
    """A Job of these very inputs has ended well, before the strategy was changed: that is told once."""
    if remembers(case.seen.migration.status.last_run, case.name):
        return None
    found = next(filter(None, (decide(case) for decide in _AS_OF_A_JOB)), None)
    return found if found and found.reason.effect is Effect.READY else None
