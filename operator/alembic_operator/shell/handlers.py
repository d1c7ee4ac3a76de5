"""Let Kopf watch the migrations: one event handler that tells what happened, the configuration and the login."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain, repeat
from typing import Any

import kopf
import structlog
from kopf._core.reactor import processing

from alembic_operator.kube.cluster import MIGRATIONS, Resource

log = structlog.get_logger()

OnChange = Callable[[Resource, Any], None]


def registry(on_change: OnChange, server: str) -> kopf.OperatorRegistry:
    """Return Kopf's registry; `server` is the URL of the API server, as a pod's environment has it."""
    handlers = kopf.OperatorRegistry()
    kopf.on.startup(registry=handlers)(_configure)
    kopf.on.login(registry=handlers)(_login(server))
    kopf.on.event(MIGRATIONS.group, MIGRATIONS.version, MIGRATIONS.plural, registry=handlers)(_listen(on_change))
    return handlers


def _listen(on_change: OnChange) -> Callable[..., Any]:
    async def on_event(event: Any, **_: Any) -> None:
        on_change(MIGRATIONS, event)

    return on_event


@contextmanager
def straight_to(on_change: OnChange) -> Iterator[None]:
    """Let Kopf hand over each event as it came, for as long as this lasts; needed when its tasks are made.

    What it does with one otherwise (a memory, three loggers, causes, indices, patches) ends in the one call of what
    `_listen` returns, and was a fifth of the operator's processor time (docs/adr/0021). Kopf has no setting for it;
    tests/unit/shell notices if it no longer asks for this function.
    """

    async def tell(*, raw_event: Any, **_: Any) -> None:
        try:
            on_change(MIGRATIONS, raw_event)
        except Exception:  # as Kopf does: the next list tells it again
            log.exception("event not understood")
        raw_event.clear()  # Kopf's worker holds it for as long as it idles: at the start all objects at once

    before, processing.process_resource_event = processing.process_resource_event, tell  # type: ignore[assignment]
    try:
        yield
    finally:
        processing.process_resource_event = before


def _login(server: str) -> Callable[..., kopf.ConnectionInfo | None]:
    """Return the login: Kopf's own would ask for `kubernetes.default.svc`, and so need the cluster's DNS."""

    def login(**arguments: Any) -> kopf.ConnectionInfo | None:
        found = kopf.login_with_service_account(**arguments)
        return replace(found, server=server) if found else kopf.login_with_kubeconfig(**arguments)

    return login


class _ForEver:
    """Seconds between attempts; without an end, or one namespace that cannot be read would end the operator."""

    def __iter__(self) -> Iterator[float]:
        return chain((1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0), repeat(30.0))


def _configure(settings: kopf.OperatorSettings, **_: Any) -> None:
    """Each value was measured, see docs/adr/0002."""
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.queueing.idle_timeout = 0.5
    settings.watching.chunk_size = 50
    settings.networking.connect_timeout = 5
    settings.networking.request_timeout = 30
    settings.networking.error_backoffs = _ForEver()
