"""Tell the cache what the watches see, and the queue who must look again: Kopf's event handlers, and nothing more."""

from collections.abc import Awaitable, Callable
from typing import Any

import kopf

from alembic_operator.core import names
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import DEPLOYMENTS, JOBS, MIGRATIONS, PODS, ROLLOUTS, STATEFUL_SETS, Resource
from alembic_operator.shell.queue import WorkQueue
from alembic_operator.shell.settings import Settings
from alembic_operator.shell.storages import NoDifferences, NoProgress

_SELECTORS = {JOBS: f"{names.MANAGED_BY}={names.OPERATOR},{names.RUN_LABEL}", PODS: names.MIGRATION_LABEL}
"""Which Jobs and pods are asked for, on the server's side: runs, and pods that wait for one."""

_SWARM = 0.5
"""Seconds within which gated pods are looked at: many come and pass at once, and each look may write the status."""


def watched(settings: Settings) -> dict[Resource, str]:
    """Return the watched resources with their label selectors."""
    plain = [MIGRATIONS, DEPLOYMENTS, STATEFUL_SETS, *([ROLLOUTS] if settings.watch_rollouts else [])]
    return _SELECTORS | dict.fromkeys(plain, "")


def registry(settings: Settings, cache: Cache, queue: WorkQueue[Key]) -> kopf.OperatorRegistry:
    """Return Kopf's registry: one event handler a resource, the configuration and the login."""
    handlers = kopf.OperatorRegistry()
    kopf.on.startup(registry=handlers)(_configure(watched(settings)))
    kopf.on.login(registry=handlers)(_login)
    for resource in watched(settings):
        kopf.on.event(resource.group, resource.version, resource.plural, id=resource.plural, registry=handlers)(
            _listen(resource, cache, queue)
        )
    return handlers


def _listen(resource: Resource, cache: Cache, queue: WorkQueue[Key]) -> Callable[..., Awaitable[None]]:
    async def on_event(event: Any, **_: Any) -> None:
        raw = event["object"]
        woken = cache.drop(resource, raw) if event["type"] == "DELETED" else cache.put(resource, raw)
        if resource == PODS and names.RUN_LABEL not in (raw["metadata"].get("labels") or {}):
            queue.add_within(woken, _SWARM)
        else:
            queue.add(woken)

    return on_event


def _login(**arguments: Any) -> kopf.ConnectionInfo | None:
    return kopf.login_with_service_account(**arguments) or kopf.login_with_kubeconfig(**arguments)


def _configure(selectors: dict[Resource, str]) -> Callable[..., None]:
    """Return the start-up handler; each value was measured, see docs/adr/0002."""

    def configure(settings: kopf.OperatorSettings, **_: Any) -> None:
        settings.scanning.disabled = True
        settings.posting.enabled = False
        settings.persistence.diffbase_storage = NoDifferences()
        settings.persistence.progress_storage = NoProgress()
        settings.queueing.idle_timeout = 0.05
        settings.watching.chunk_size = 50
        settings.networking.connect_timeout = 5
        settings.networking.request_timeout = 30
        for resource, selector in selectors.items():
            if selector:
                settings.watching.label_selectors[resource.group, resource.version, resource.plural] = selector

    return configure
