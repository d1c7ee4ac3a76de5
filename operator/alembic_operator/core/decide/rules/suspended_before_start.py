"""A run that was suspended before it began."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import deletion
from alembic_operator.core.decision import Decision
from alembic_operator.core.runs import run


def suspended_before_start(case: Case) -> Decision | None:
    """spec.suspend is true, and no pod of the Job has begun: the Job is deleted."""
    job = case.running_job
    if job is None or not case.spec.suspend or not (job.deleting or not run.has_begun(job, case.seen.pods)):
        return None
    said = f"spec.suspend is true: Job {job.name} is being deleted; set spec.suspend to false to start"
    return Decision(Reason.SUSPENDED, said, actions=deletion(job))
