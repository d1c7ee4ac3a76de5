"""It is time to look for tenants."""

from dataclasses import replace

from alembic_operator.core.decide import looking
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decide.endings import deletion
from alembic_operator.core.decide.rules.start import creation
from alembic_operator.core.decision import Decision
from alembic_operator.core.runs import ends


def look_for_tenants(case: Case) -> Decision | None:
    """spec.tenants.every has passed since a run of these inputs ended well, or with tenants that failed for good: their
    Job is made anew, to look again.

    A Job that has ended is deleted first. The look is put off while spec.suspend is true, or what is needed is not up.
    Tenants that have failed for good are left alone.
    """
    last = looking.last_of(case)
    if last is None or looking.left(case, last) > 0 or not looking.may_look(case) or case.name in case.seen.taken:
        return None
    if case.job and case.job.finished_at > (last.finished_at or "") and ends.ending(case.job, case.seen.pods):
        return None  # its report is to be read first
    found = looking.as_before(case, last, looking.LOOKS)
    if case.job:
        return replace(found, actions=deletion(case.job))
    return replace(found, actions=(creation(case, attempt=1, looks=True),))
