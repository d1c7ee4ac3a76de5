"""Migrations that wait for one another."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def dependency_cycle(case: Case) -> Decision | None:
    """spec.dependsOn leads back to the migration itself."""
    if not case.seen.cycle:
        return None
    said = f"spec.dependsOn is a cycle: {' -> '.join(case.seen.cycle)}; remove one of these"
    return Decision(Reason.DEPENDENCY_CYCLE, said)
