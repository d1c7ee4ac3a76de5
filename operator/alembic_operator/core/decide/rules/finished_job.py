"""How a Job ended whose last pod is there."""

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import ended
from alembic_operator.core.decision import Decision
from alembic_operator.core.runs import ends


def finished_job(case: Case) -> Decision | None:
    """The Job of these inputs has ended, and its last pod is there: what the runner reported."""
    end = ends.ending(case.job, case.seen.pods) if case.job else None
    return ended(case.seen, case.job, end) if case.job and end and end.pod else None
