"""Remember since when the workloads that migrations follow are as they are; the API server does not tell."""

from datetime import datetime

from alembic_operator.core.observation.last_change import LastChange, last_change
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.kube.cache import Key


class LastChanges:
    """What one operator process has seen itself."""

    def __init__(self) -> None:
        self._seen: dict[Key, LastChange] = {}

    def observe(self, key: Key, migration: Migration, parts: PodParts | Missing, now: datetime) -> LastChange | None:
        """Return since when a migration's source is as it is now; None: it is no workload."""
        if found := last_change(self._seen.get(key), migration, parts, now):
            self._seen[key] = found
        return found

    def forget(self, key: Key) -> None:
        """Forget a migration that is gone."""
        self._seen.pop(key, None)
