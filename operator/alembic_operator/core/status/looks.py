"""Tell a look for tenants that found nothing new from a run that is worth a word."""

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import Status
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import is_ready


def found_nothing(before: Status, decision: Decision) -> bool:
    """Return whether a run has only confirmed of all tenants what the status says."""
    done = decision.finished
    if done is None or done.tenants is None or decision.reason.effect is not Effect.READY:
        return False
    return is_ready(before.conditions) and not done.run.applied_count and done.tenants == before.tenants
