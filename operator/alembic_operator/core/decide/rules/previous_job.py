"""Nothing runs beside an earlier run."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import deletion
from alembic_operator.core.decision import Decision


def previous_job(case: Case) -> Decision | None:
    """A Job of earlier inputs, or a pod that outlived its Job, has not ended; a Job that started nothing is deleted.

    Where pods migrate, no Job is the right one.
    """
    seen, name = case.seen, case.name if case.strategy == "Job" else ""
    own = {one.uid for one in seen.jobs if one.name == name}
    live = {pod.job for pod in seen.pods if not pod.ended and pod.job_uid not in own}
    others = [one for one in seen.jobs if one.name != name and not one.outcome]
    if not others and not live:
        return None
    busy = {pod.job_uid for pod in seen.pods if pod.running}
    cancelled = [one for one in others if one.uid not in busy and one.owner == seen.migration.uid]
    idle = tuple(action for one in cancelled for action in deletion(one))
    waiting_for = ", ".join(sorted({one.name for one in others} | live))
    return Decision(
        Reason.WAITING_FOR_PREVIOUS_JOB,
        f"{waiting_for} of an earlier run must end first; delete the Job to cancel it",
        actions=idle,
    )
