"""A pod failed, and its kubelet starts it again."""

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.reports import told


def pods_trying_again(case: Case) -> Decision | None:
    """The newest report is a failure that time can heal, and a pod is there that tries again."""
    last = max(case.reports, key=lambda one: one.age, default=None)
    if last is None or all(pod.ended for pod in case.pods):
        return None
    found = told(case.seen, case.name, last)
    return Decision(found.reason, f"{found.message}; its pods try again", finished=found.finished)
