"""The database is not up."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision


def database_not_ready(case: Case) -> Decision | None:
    """The StatefulSet of spec.database.statefulSetRef has no ready replica."""
    if case.server is None or case.server.ready:
        return None
    return Decision(Reason.WAITING_FOR_DATABASE, f"StatefulSet {case.server.name} has no ready replica")
