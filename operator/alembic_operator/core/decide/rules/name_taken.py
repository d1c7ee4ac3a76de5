"""Somebody else's Job is in the way."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision

_SLOW = 60.0
"""Seconds after which to look again: a Job without the operator's labels is not watched."""


def name_taken(case: Case) -> Decision | None:
    """A Job that the migration does not control has the name that its own needs."""
    if case.name not in case.seen.taken:
        return None
    said = f"Job {case.name} has the name that this migration needs, but does not belong to it"
    advice = f"kubectl delete job {case.name} --namespace {case.seen.migration.namespace}"
    return Decision(Reason.WAITING_FOR_PREVIOUS_JOB, f"{said}; {advice}", requeue_after=_SLOW)
