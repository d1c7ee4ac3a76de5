"""A Job that ended without a report."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import deletion, ended
from alembic_operator.core.decision import Decision
from alembic_operator.core.runs import ends


def unreported_job(case: Case) -> Decision | None:
    """The Job of these inputs has ended without a report: it is created again, unless its deadline has passed."""
    job = case.job
    if job is None:
        return None
    if end := ends.ending(job, case.seen.pods):
        return ended(case.seen, job, end)
    return Decision(
        Reason.RETRYING,
        f"Job {job.name} has finished without a report that can be read: its pod is gone, or its runner"
        " belongs to a newer operator; it runs again, to read the database",
        actions=deletion(job),
    )
