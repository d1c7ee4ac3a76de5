"""Somebody does not want a run to start."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def suspended(case: Case) -> Decision | None:
    """spec.suspend is true."""
    if not case.spec.suspend:
        return None
    return Decision(Reason.SUSPENDED, "spec.suspend is true; set it to false to start")
