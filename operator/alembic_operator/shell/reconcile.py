"""Look at one migration, decide, and make it so: observe, plan, apply, report."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

import structlog

from alembic_operator.core.actions import Notice, Plan
from alembic_operator.core.gates.rollouts import without_migration
from alembic_operator.core.observation import Migration, Refusal
from alembic_operator.core.plan import plan
from alembic_operator.kube.apply import apply
from alembic_operator.kube.archive import Archive
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import Cluster
from alembic_operator.kube.errors import ApiError, RefusedError
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer
from alembic_operator.kube.report import report

log = structlog.get_logger()

_FORBIDDEN = 403

_MISSED_AFTER = 10.0
"""Seconds: who installs or removes an application does so with all of its parts, in any order."""


@dataclass(frozen=True)
class Reconciler:
    """One operator's hands: what it needs for its work on any migration."""

    cluster: Cluster
    cache: Cache
    observer: Observer
    archive: Archive
    wake: Callable[[set[Key]], None]
    """Told of the migrations that depend on one whose status was written."""
    clock: Callable[[], datetime]
    events: Events
    missed: dict[Key, datetime] = field(default_factory=dict)
    """Since when workloads ask for migrations that do not exist."""

    async def reconcile(self, key: Key) -> float | None:
        """Bring one migration a step further; return after how many seconds to look again, or None."""
        with structlog.contextvars.bound_contextvars(namespace=key.namespace, name=key.name):
            try:
                return await self._reconcile(key)
            except ApiError as error:
                log.warning("api server refused", status=error.status, reason=error.reason, message=error.message)
                raise
            except Exception as error:
                log.exception("reconcile failed", error=type(error).__name__)
                raise

    async def _reconcile(self, key: Key) -> float | None:
        seen = await self.observer.observe(key, self.clock())
        if seen is None:
            return await self._warn(key)
        self.missed.pop(key, None)
        planned = plan(seen)
        if planned.report_first and not await self._report(seen.migration, planned):
            return None
        refusal = await self._act(seen.migration.namespace, planned)
        if refusal:
            planned = plan(replace(seen, refusal=refusal))
        if (refusal or not planned.report_first) and not await self._report(seen.migration, planned):
            return None
        await self._announce(key.namespace, planned.notices, seen.migration)
        return planned.requeue_after

    async def _warn(self, key: Key) -> float | None:
        """Warn of workloads that ask for a migration that does not exist, once it has had the time to come."""
        lost = () if self.cache.migration(key) else self.cache.gated_workloads(key)
        if not lost:
            self.missed.pop(key, None)
            return None
        now = self.clock()
        wait = (self.missed.setdefault(key, now) - now).total_seconds() + _MISSED_AFTER
        if wait > 0:
            return wait
        await self._announce(key.namespace, without_migration(lost, key.name))
        return None

    async def _act(self, namespace: str, planned: Plan) -> Refusal | None:
        try:
            for action in planned.actions:
                await apply(action, namespace, self.cluster, self.cache, self.archive)
        except RefusedError as error:
            return Refusal(error.message, forbidden=error.status == _FORBIDDEN)
        return None

    async def _report(self, migration: Migration, planned: Plan) -> bool:
        """Write the status, and return whether the migration is still there: of one that is gone, nothing is told."""
        dependents = await report(migration, planned.status, self.cluster, self.cache)
        self.wake(dependents or set())
        return dependents is not None

    async def _announce(self, namespace: str, notices: Iterable[Notice], migration: Migration | None = None) -> None:
        for notice in notices:
            try:
                if await self.events.announce(namespace, notice, migration):
                    generation = migration.generation if migration else None
                    log.info(str(notice.occasion).lower(), generation=generation, note=notice.note)
            except ApiError as error:  # an Event is a courtesy; the status has the facts
                log.warning("event not written", status=error.status, message=error.message)
