"""A Job that may find nothing to do."""

from dataclasses import replace

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide import looking
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.runs import progress, run

_NOTHING_FAILED = (
    *(Reason.PENDING, Reason.MIGRATING, Reason.POD_NOT_CREATED, Reason.UNSCHEDULABLE),
    *(Reason.IMAGE_PULL_FAILED, Reason.SECRET_NOT_FOUND, Reason.CONTAINER_REFUSED),
)


def looking_for_tenants(case: Case) -> Decision | None:
    """The Job of these inputs looks again for tenants, and has found none yet that is behind: all is as it was.

    What keeps its pod from starting is said; the database contains what it contained.
    """
    job, last = case.running_job, looking.last_of(case)
    if job is None or last is None or not job.looks or not looking.still_as_before(case) or looking.found_work(case):
        return None
    stands = progress.progress(job, run.pods_of(job, case.seen.pods), case.seen.now)
    if stands.reason not in _NOTHING_FAILED:
        return None
    waits = stands.reason not in (Reason.PENDING, Reason.MIGRATING)
    also = f"{looking.LOOKS}: {stands.message}" if waits else looking.LOOKS
    return replace(looking.as_before(case, last, also), requeue_after=stands.requeue_after)
