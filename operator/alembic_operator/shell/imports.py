"""Serve the DatabaseImports, on the same queue as the migrations: hear of them, and bring one a step further."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random

import structlog

from alembic_operator.api.imports import ImportStatus
from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import Decided, decide
from alembic_operator.core.imports.notices import notices, requeue_after
from alembic_operator.core.imports.observation import ImportSeen
from alembic_operator.core.imports.status import status_after
from alembic_operator.core.observation.conditions import reason_of
from alembic_operator.core.observation.observation import Refusal
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import ImportKey
from alembic_operator.kube.cache.reflector import Reflector
from alembic_operator.kube.cluster import IMPORTS, JOBS, PODS, Resource, Scope
from alembic_operator.kube.errors import ApiError, InvalidError, RefusedError
from alembic_operator.kube.events import Events
from alembic_operator.kube.imports import ImportCache, Imports
from alembic_operator.shell.informer import Informer
from alembic_operator.shell.settings import Settings

log = structlog.get_logger()

_NOT_INSTALLED = 404


def reflected(settings: Settings) -> list[Scope]:
    """Return what is listed and watched for imports, in each namespace for itself."""
    managed = f"{names.MANAGED_BY}={names.OPERATOR},{names.IMPORT_LABEL}"
    return [
        Scope(resource, namespace, selector)
        for namespace in settings.namespaces or (None,)
        for resource, selector in ((IMPORTS, ""), (JOBS, managed), (PODS, names.IMPORT_LABEL))
    ]


@dataclass(frozen=True)
class ImportInformer:
    """Whoever watches tells this."""

    cache: ImportCache
    informer: Informer
    """Of the migrations, with the queue and the list of what cannot be read."""

    def on_change(self, resource: Resource, event: Manifest) -> None:
        """Take in an event of a watch."""
        raw = event["object"]
        deleted = event["type"] == "DELETED"
        self.informer.queue.add(self.cache.drop(resource, raw) if deleted else self.cache.put(resource, raw))

    def on_list(self, scope: Scope, woken: set[ImportKey]) -> None:
        """Look at these."""
        self.informer.on_list(scope, set())
        self.informer.queue.add(woken)

    def on_error(self, scope: Scope, error: ApiError) -> None:
        """Say once what cannot be read; a cluster without the kind has no imports, and nothing is wrong."""
        if error.status != _NOT_INSTALLED:
            self.informer.on_error(scope, error)


@dataclass(frozen=True)
class ImportReconciler:
    """Observe, decide, act, report."""

    imports: Imports
    clock: Callable[[], datetime]
    events: Events

    def reflectors(self, settings: Settings, informer: Informer) -> list[Reflector]:
        """Return who keeps its cache as the API server has imports."""
        cache, random = self.imports.cache, Random()  # noqa: S311  jitter, not a secret
        told = ImportInformer(cache, informer)
        return [Reflector(self.imports.cluster, cache, scope, told, random) for scope in reflected(settings)]

    async def reconcile(self, key: ImportKey) -> float | None:
        """Bring one import a step further; return after how many seconds to look again, or None."""
        with structlog.contextvars.bound_contextvars(namespace=key.namespace, name=key.name):
            try:
                seen = await self.imports.observe(key, self.clock())
                return await self._decide(key, seen) if seen else None
            except ApiError as error:
                log.warning("import not served", asked=error.asked, status=error.status, message=error.message)
                raise

    async def _decide(self, key: ImportKey, seen: ImportSeen) -> float | None:
        decided = decide(case := Case(seen))
        after = status_after(case, decided)
        # Before it acts: who looks must not read of an earlier run while another one starts. But what was refused a
        # minute ago most often is again, and the status need not change for that.
        late = decided.action is not None and reason_of(seen.asked.status.conditions) == Reason.JOB_FORBIDDEN
        if not late and not await self.imports.report(seen.asked, after):
            return None
        if decided.action is None:
            await self._announce(key, case, after, decided)
            return requeue_after(case, after, decided)
        try:
            await self.imports.act(decided.action, key)
        except RefusedError as error:
            refused = replace(seen, refusal=Refusal(error.message, forbidden=not isinstance(error, InvalidError)))
            decided = decide(case := Case(refused))
            after = status_after(case, decided)
            current = await self.imports.observe(key, self.clock())
            if current:
                await self.imports.report(current.asked, after)
        else:
            if late and not await self.imports.report(seen.asked, after):
                return None
        await self._announce(key, case, after, decided)
        log.info("import", reason=str(decided.reason), message=decided.message)
        return decided.requeue_after

    async def _announce(self, key: ImportKey, case: Case, after: ImportStatus, decided: Decided) -> None:
        for notice in notices(case, after, decided):
            try:
                await self.events.announce(key.namespace, notice, case.seen.asked)
            except ApiError as error:  # an Event is a courtesy; the status has the facts
                log.warning("event not written", status=error.status, message=error.message)
