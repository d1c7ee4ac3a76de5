"""A Job that somebody deletes while it runs."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def job_being_deleted(case: Case) -> Decision | None:
    """The Job of these inputs is being deleted; it is created again when its pods are gone."""
    job = case.running_job
    if job is None or not job.deleting:
        return None
    return Decision(
        Reason.WAITING_FOR_PREVIOUS_JOB,
        f"Job {job.name} is being deleted; it is created again when its pods are gone",
        under_way=case.last_run_of(job.name),
    )
