"""Tell the cache what is heard of the cluster, the queue who must look again, and the log what cannot be read."""

from dataclasses import dataclass, field
from typing import Any

import structlog

from alembic_operator.core import names
from alembic_operator.core.observation.jobs import end_of_job
from alembic_operator.core.observation.reading import Manifest, fields, items, text
from alembic_operator.kube.cache import Cache, ImportKey, Key
from alembic_operator.kube.cache.reflector import REFUSALS
from alembic_operator.kube.cluster import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    PODS,
    ROLLOUTS,
    STATEFUL_SETS,
    Resource,
    Scope,
)
from alembic_operator.kube.errors import ApiError
from alembic_operator.kube.imports import ImportCache
from alembic_operator.shell.metrics.tally import Tally
from alembic_operator.shell.queue import WorkQueue
from alembic_operator.shell.settings import Settings

log = structlog.get_logger()

_SELECTORS = {JOBS: f"{names.MANAGED_BY}={names.OPERATOR},{names.RUN_LABEL}", PODS: names.MIGRATION_LABEL}
"""Which Jobs and pods are asked for, on the server's side: runs, and pods that wait for one."""

_SOON = 2.0
"""Seconds within which news are looked at that can wait: the next one, which cannot, most often comes before. The Job
controller gathers what happens to pods for a second before it says that a Job is complete (`podUpdateBatchPeriod`)."""

_GONE = 410
"""A watch began too long ago: it is listed again, and nothing is wrong."""


def reflected(settings: Settings) -> list[Scope]:
    """Return what is listed and watched beside the migrations: in each namespace for itself."""
    resources = [JOBS, PODS, DEPLOYMENTS, STATEFUL_SETS, *([ROLLOUTS] if settings.watch_rollouts else [])]
    return [
        scope
        for namespace in settings.namespaces or (None,)
        for scope in (
            *(Scope(resource, namespace, _SELECTORS.get(resource, "")) for resource in resources),
            Scope(CONFIG_MAPS, namespace, name=names.RUNNER_CONFIG_MAP),
        )
    ]


@dataclass(frozen=True)
class Informer:
    """Whoever watches tells these."""

    cache: Cache
    queue: WorkQueue[Key | ImportKey]
    watch_errors: dict[Scope, ApiError] = field(default_factory=dict)
    """What cannot be read, and the API server's answer."""
    tally: Tally = field(default_factory=Tally)
    imports: ImportCache = field(default_factory=ImportCache)

    def on_change(self, resource: Resource, event: Any) -> None:
        """Take in an event of a watch, or of Kopf."""
        raw = event["object"]
        woken = self.cache.drop(resource, raw) if event["type"] == "DELETED" else self.cache.put(resource, raw)
        if can_wait(resource, event):
            self.queue.add_within(woken, _SOON)
        else:
            self.queue.add(woken)

    def on_list(self, scope: Scope, woken: set[Key]) -> None:
        """Look at these, and at all that could not be decided about before."""
        if error := self.watch_errors.pop(scope, None):
            log.info("can be read again", what=str(scope))
            known = self.cache.keys() if error.status in REFUSALS else ()
            woken = woken.union(key for key in known if scope.namespace in (None, key.namespace))
        self.queue.add(woken)

    def on_error(self, scope: Scope, error: ApiError) -> None:
        """Say once what cannot be read: the rest is served, and it is tried again and again."""
        self.tally.restarts[scope.resource.plural] += 1
        if error.status != _GONE and str(self.watch_errors.get(scope)) != str(error):
            self.watch_errors[scope] = error
            log.warning("cannot be read", what=str(scope), error=str(error))

    def troubles(self) -> list[str]:
        """Return what cannot be read, in words."""
        return [f"cannot read {scope}: {error}" for scope, error in self.watch_errors.items()]


def can_wait(resource: Resource, event: Manifest) -> bool:
    """Tell whether news change nothing at once for the run of a migration, or come in swarms."""
    raw = fields(event, "object")
    if resource == PODS and names.RUN_LABEL not in fields(raw, "metadata", "labels"):
        return True  # many wait for a migration and pass at once, and each look may write the status
    if text(event, "type") == "DELETED" or text(raw, "metadata", "deletionTimestamp"):
        return False
    if resource == PODS:  # it has not begun, or its Job is about to say how it ended
        return text(raw, "status", "phase") in ("Pending", "Succeeded")
    return resource == JOBS and not end_of_job(items(raw, "status", "conditions"))
