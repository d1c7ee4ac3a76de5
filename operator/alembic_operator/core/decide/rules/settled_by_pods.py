"""A pod has migrated, or found out that time does not help."""

from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.reports import that_did_it, told


def settled_by_pods(case: Case) -> Decision | None:
    """The newest report of a gate that says what the database contains is one that time alone does not change."""
    # A failure that says nothing of the revisions, such as a database that is down, takes back no success.
    last = max((one for one in case.reports if one.speaks), key=lambda one: one.age, default=None)
    if last is None or not last.settles:
        return None
    return told(case.seen, case.name, that_did_it(case.reports, last))
