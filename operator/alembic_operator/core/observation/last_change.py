"""Since when the followed workload is as it is now; the API server does not tell."""

from dataclasses import dataclass, replace
from datetime import datetime

from alembic_operator.api.v1alpha1 import WorkloadRef
from alembic_operator.core import names
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.source import Missing, PodParts


@dataclass(frozen=True, slots=True)
class LastChange:
    """Since when the followed workload is as it is now, and how the migration was then."""

    workload: WorkloadRef
    parts: str
    """Digest of what the migration takes over of it."""
    since: datetime | None
    """None: it is the migration that has changed, and follows another workload now."""
    generation: int
    retry: str


def last_change(
    before: LastChange | None, migration: Migration, parts: PodParts | Missing, now: datetime
) -> LastChange | None:
    """Return since when the workload is as it is now; what was seen before, while it is not there.

    Without a memory, as after a restart of the operator, it counts as just seen.
    """
    workload = migration.spec.source.workload_ref if migration.spec else None
    if workload is None or isinstance(parts, Missing):
        return before
    found = LastChange(workload, names.digest([parts.container, parts.pod]), now, migration.generation, migration.retry)
    if before is None:
        return found
    if before.workload != workload:
        return replace(found, since=None)
    is_back_in_time = before.since is not None and before.since > now
    return found if is_back_in_time or before.parts != found.parts else before
