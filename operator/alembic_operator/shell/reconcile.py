"""Look at one migration, decide, and make it so: observe, plan, apply, report."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from alembic_operator.core.actions import Plan
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
            return None
        planned = plan(seen)
        if planned.report_first:
            await self._report(seen.migration, planned)
        refusal = await self._act(seen.migration.namespace, planned)
        if refusal:
            planned = plan(replace(seen, refusal=refusal))
        if refusal or not planned.report_first:
            await self._report(seen.migration, planned)
        await self._announce(seen.migration, planned)
        return planned.requeue_after

    async def _act(self, namespace: str, planned: Plan) -> Refusal | None:
        try:
            for action in planned.actions:
                await apply(action, namespace, self.cluster, self.cache, self.archive)
        except RefusedError as error:
            return Refusal(error.message, forbidden=error.status == _FORBIDDEN)
        return None

    async def _report(self, migration: Migration, planned: Plan) -> None:
        self.wake(await report(migration, planned.status, self.cluster, self.cache))

    async def _announce(self, migration: Migration, planned: Plan) -> None:
        for notice in planned.notices:
            try:
                if await self.events.announce(migration, notice):
                    log.info(str(notice.occasion).lower(), generation=migration.generation, note=notice.note)
            except ApiError as error:  # an Event is a courtesy; the status has the facts
                log.warning("event not written", status=error.status, message=error.message)
