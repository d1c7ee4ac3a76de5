"""Tell a look for tenants that found nothing new from a run that is worth a word."""

from typing import assert_never

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import Status
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import is_ready, is_stalled


def found_nothing(before: Status, decision: Decision) -> bool:
    """Return whether a run has only confirmed of all tenants what the status says."""
    done = decision.finished
    if done is None or done.tenants is None or done.run.applied_count:
        return False
    match decision.reason.effect:
        case Effect.READY:
            return is_ready(before.conditions) and done.tenants == before.tenants
        case Effect.STALLED:  # in other words, where more tenants failed than it has names of
            same = before.last_run is not None and before.last_run.outcome == done.run.outcome
            return same and is_stalled(before.conditions) and _numbers(done.tenants) == _numbers(before.tenants)
        case Effect.RECONCILING:
            return False
        case _:
            assert_never(decision.reason.effect)


def _numbers(tenants: TenantsStatus | None) -> object:
    return tenants and (tenants.total, tenants.up_to_date, tenants.failed, [one.names for one in tenants.failures])
