"""There is nothing to take the Alembic project from."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.source import Missing

_SLOW = 10.0
"""Seconds after which to ask for a ConfigMap again: no watch tells of one."""


def missing_source(case: Case) -> Decision | None:
    """The ConfigMap, the workload or its container that spec.source names does not exist, or cannot be read."""
    source = case.seen.source
    if not isinstance(source, Missing):
        return None
    said = f"{source.what}; {source.advice}"
    if case.spec.source.config_map_ref:
        return Decision(Reason.WAITING_FOR_CONFIG_MAP, said, requeue_after=_SLOW)
    return Decision(Reason.WAITING_FOR_WORKLOAD, said)
