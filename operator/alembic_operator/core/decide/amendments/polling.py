"""Look again at what no watch tells of."""

from dataclasses import replace

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision

_SLOW = 60.0


def polling(case: Case, decision: Decision) -> Decision:
    """A ConfigMap of spec.source is looked at again after a minute: no watch tells of it."""
    unwatched = case.spec.source.config_map_ref and decision.requeue_after is None
    return replace(decision, requeue_after=_SLOW) if unwatched else decision
