"""Let a change of the followed workload stand for a while: what was changed with it may still be on its way.

kubectl, Helm, Argo CD and Flux apply a workload before the migration of the same commit.
"""

from datetime import timedelta

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import seconds
from alembic_operator.core.decide.case import Case
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.observation import Observation


def settling(case: Case, decision: Decision) -> Decision:
    """When something would be done for a workload that has just changed, that waits for spec.policy.settlingTime."""
    left = _left(case) if decision.actions and case.running_job is None else 0.0
    if left <= 0:
        return decision
    reference = case.spec.source.workload_ref
    what = f"{reference.kind} {reference.name}" if reference else "the workload"
    said = (
        f"{what} has just changed; a run starts after spec.policy.settlingTime"
        f" ({case.spec.policy.settling_time}) without another change, or at once when this migration changes too"
    )
    return Decision(Reason.SETTLING, said, requeue_after=left)


def runs_anew(seen: Observation) -> bool:
    """Return whether a run follows an earlier one of a workload: the migration may have changed with that, untold."""
    return seen.last_change is not None and seen.migration.status.last_run is not None


def _left(case: Case) -> float:
    """Return for how many seconds a change must stand still."""
    last, found, migration = case.seen.migration.status.last_run, case.seen.last_change, case.seen.migration
    if last is None or last.identity == case.name or found is None or found.since is None:
        return 0.0
    if (found.generation, found.retry) != (migration.generation, migration.retry):
        return 0.0
    due = found.since + timedelta(seconds=seconds(case.spec.policy.settling_time))
    return (due - case.seen.now).total_seconds()
