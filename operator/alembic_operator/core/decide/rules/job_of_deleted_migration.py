"""The Job's name is taken by what the garbage collector removes."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision

_SLOW = 60.0
"""Seconds after which to look again, whatever the watch tells."""


def job_of_deleted_migration(case: Case) -> Decision | None:
    """The Job of these inputs belongs to a deleted migration of the same name; a new one starts when it is gone."""
    if case.job is None or case.job.owner == case.seen.migration.uid:
        return None
    said = f"Job {case.job.name} belongs to a deleted migration of the same name; a new one starts when it is gone"
    return Decision(Reason.WAITING_FOR_PREVIOUS_JOB, said, requeue_after=_SLOW)
