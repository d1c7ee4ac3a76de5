"""Other migrations come first."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def waiting_for_dependency(case: Case) -> Decision | None:
    """A migration of spec.dependsOn does not exist, or is not Ready."""
    waiting = [one for one in case.seen.dependencies if not one.ready]
    if not waiting:
        return None
    said = ", ".join(
        f"{one.name} ({'not Ready' if one.exists else 'does not exist in this namespace'})" for one in waiting
    )
    return Decision(Reason.WAITING_FOR_DEPENDENCY, f"waits for spec.dependsOn: {said}")
