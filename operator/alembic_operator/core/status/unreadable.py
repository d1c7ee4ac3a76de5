"""Say which fields of the objects around a migration cannot be read: each counts as absent until it is corrected."""

from collections.abc import Iterable

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.observation import Observation

_NAMED = 3

_ADVICE = "it counts as absent until it is corrected"


def unreadable(seen: Observation) -> tuple[Notice, ...]:
    """Return one warning for each object, with its first field: who corrects that sees the next one."""
    told = {
        (owner, wrong): Notice(
            Occasion.UNREADABLE,
            f"DatabaseMigration {seen.migration.name} cannot read {wrong}; {_ADVICE}",
            warning=True,
            regarding=owner,
        )
        for owner, _, wrong in _those(seen)
    }
    return tuple(told.values())


def sentence(seen: Observation) -> str:
    """Return the same for the message of a condition; empty when all can be read."""
    told = sorted({f"{called}: {wrong}" for _, called, wrong in _those(seen)})
    more = f"; and {len(told) - _NAMED} more" if len(told) > _NAMED else ""
    return f"cannot read {'; '.join(told[:_NAMED])}{more}; {_ADVICE}" if told else ""


def _those(seen: Observation) -> Iterable[tuple[Owner, str, str]]:
    """Return each object at which a person looks, what it is called, and the first field that cannot be read."""
    for workload in seen.workloads:
        if workload.unreadable:
            yield workload.owner, f"{workload.owner.kind} {workload.owner.name}", workload.unreadable[0]
    for job in seen.jobs:
        if job.unreadable:
            yield Owner("batch/v1", "Job", job.name, job.uid), f"Job {job.name}", job.unreadable[0]
    for pod in seen.pods:
        if pod.unreadable:
            yield Owner("v1", "Pod", pod.name, pod.uid), f"Pod {pod.name}", pod.unreadable[0]
    for one in seen.gated:
        if one.unreadable:
            yield seen.workload_of(one), f"pods of {one.workload}", one.unreadable[0]
