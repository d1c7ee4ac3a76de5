"""There is no address to connect to."""

from alembic_operator.api.reasons import Reason
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.source import Missing


def missing_database(case: Case) -> Decision | None:
    """The StatefulSet of spec.database.statefulSetRef does not exist, or cannot be read."""
    server = case.seen.server
    if not isinstance(server, Missing):
        return None
    return Decision(Reason.WAITING_FOR_DATABASE, f"{server.what}; {server.advice}")
