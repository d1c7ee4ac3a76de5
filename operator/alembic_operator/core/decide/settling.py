"""Let a change of the followed workload stand for a while: what was changed with it may still be on its way.

kubectl, Helm, Argo CD and Flux apply a workload before the migration of the same commit.
"""

from datetime import timedelta

from alembic_operator.api.reasons import Reason
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import seconds
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.verdict import Verdict


def unless_fresh(seen: Observation, spec: Spec, name: str, verdict: Verdict) -> Verdict:
    """Return the verdict; when something would be done for a workload that has just changed, wait instead."""
    left = _left(seen, spec, name) if verdict.actions else 0.0
    if left <= 0:
        return verdict
    reference = spec.source.workload_ref
    what = f"{reference.kind} {reference.name}" if reference else "the workload"
    said = (
        f"{what} has changed; a run starts when that has stood for spec.policy.settlingTime"
        f" ({spec.policy.settling_time}), or as soon as this migration changes too"
    )
    return Verdict(Reason.SETTLING, said, requeue_after=left)


def runs_anew(seen: Observation) -> bool:
    """Return whether a run follows an earlier one of a workload: the migration may have changed with that, untold."""
    return seen.last_change is not None and seen.migration.status.last_run is not None


def _left(seen: Observation, spec: Spec, name: str) -> float:
    """Return for how many seconds a change must stand still; `name` is that of the Job which it asks for."""
    last, found, migration = seen.migration.status.last_run, seen.last_change, seen.migration
    if last is None or last.identity == name or found is None or found.since is None:
        return 0.0
    if (found.generation, found.retry) != (migration.generation, migration.retry):
        return 0.0
    due = found.since + timedelta(seconds=seconds(spec.policy.settling_time))
    return (due - seen.now).total_seconds()
