"""Come back when it is time to look for tenants again."""

from dataclasses import replace

from alembic_operator.api.reasons import Effect
from alembic_operator.core.decide import looking
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision

_LATER = 60.0
"""Seconds until it is tried again when a look is due that something stands against."""


def every(case: Case, decision: Decision) -> Decision:
    """With spec.tenants.every, a migration that has settled is looked at again when that time has passed."""
    done = decision.finished
    last = done.run if done else looking.last_of(case)
    if last is None or decision.reason.effect is Effect.RECONCILING or decision.actions or case.running_job:
        return decision
    if case.spec.tenants is None or case.spec.tenants.every is None:
        return decision
    if done and not looking.is_followed(done.run, done.tenants):
        return decision
    left = looking.left(case, last)
    return replace(decision, requeue_after=left if left > 0 else _LATER)
