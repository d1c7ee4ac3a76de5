"""Inputs that need no run any more."""

from alembic_operator.api.reasons import Effect
from alembic_operator.core.decide.case import Case, remembers
from alembic_operator.core.decide.endings import remembered
from alembic_operator.core.decision import Decision


def remembered_run(case: Case) -> Decision | None:
    """A run of these inputs has ended, in a way that time does not change, and its Job is gone: nothing runs again."""
    status = case.seen.migration.status
    if status.last_run is None or not remembers(status.last_run, case.name):
        return None
    found = remembered(status, status.last_run)
    return None if found.reason.effect is Effect.RECONCILING else found
