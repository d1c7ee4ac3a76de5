"""The API server does not take the Job."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def job_refused(case: Case) -> Decision | None:
    """The API server did not take the Job that was planned a moment ago."""
    refusal = case.seen.refusal
    if refusal is None or refusal.of_runner:
        return None
    if refusal.forbidden:
        said = f"the Job is not admitted: {refusal.message}"
        return Decision(Reason.JOB_FORBIDDEN, said, requeue_after=case.as_long_again)
    said = f"the Job is invalid: {refusal.message}; correct spec.jobTemplate or the source"
    return Decision(Reason.JOB_INVALID, said)
