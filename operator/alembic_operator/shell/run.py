"""Put the operator together and keep it running until it is told to stop."""

import asyncio
import gc
import signal
import sys
from datetime import UTC, datetime
from random import Random

import kopf
import structlog

from alembic_operator.kube.archive import Archive
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.client import ApiServer, connected
from alembic_operator.kube.cluster import Cluster
from alembic_operator.kube.definition import shortcoming
from alembic_operator.kube.errors import ApiError, LeaseLostError
from alembic_operator.kube.events import Events
from alembic_operator.kube.lease import LeaseLock
from alembic_operator.kube.observe import Observer
from alembic_operator.shell import handlers, telemetry
from alembic_operator.shell.leadership import leading
from alembic_operator.shell.queue import WorkQueue
from alembic_operator.shell.reconcile import Reconciler
from alembic_operator.shell.settings import Settings

log = structlog.get_logger()

_ASK_AGAIN = 2.0


def run(settings: Settings) -> int:
    """Run the operator; return the exit code, which is 0 after SIGTERM."""
    telemetry.configure_logging(settings.log_format)
    gc.freeze()  # what was imported stays: to look through it costs 20 ms each time
    try:
        asyncio.run(_run(settings))
    except asyncio.CancelledError:
        return 0
    except (OSError, LeaseLostError) as error:
        log.error("cannot go on", error=str(error))  # noqa: TRY400  a sentence, not a traceback
        return 1
    return 0


async def _run(settings: Settings) -> None:
    if own := asyncio.current_task():  # until Kopf runs and stops at SIGTERM by itself
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    ready = asyncio.Event()
    async with connected() as server, telemetry.health(settings.health_port, ready.is_set):
        await _until_the_definition_fits(server)
        if settings.lease is None:
            return await _act(settings, server, ready)
        async with leading(LeaseLock(server, settings.lease), ready.set) as (leadership, keeper):
            ready.clear()
            return await _act(settings, server.only_while(leadership.check), ready, keeper)


async def _until_the_definition_fits(server: ApiServer) -> None:
    """Wait before anything else: while this operator does not lead, one that fits the definition can go on."""
    said = ""
    while wrong := await _shortcoming(server):
        if wrong != said:  # it may take a person to mend it
            log.warning("cannot begin yet", error=wrong)
        said = wrong
        await asyncio.sleep(_ASK_AGAIN)


async def _shortcoming(server: ApiServer) -> str:
    try:
        return await shortcoming(server)
    except (ApiError, OSError) as error:
        return str(error) or type(error).__name__


async def _act(settings: Settings, cluster: Cluster, ready: asyncio.Event, *guards: asyncio.Task[None]) -> None:
    """Be the operator, until SIGTERM or the end of a guard."""
    archive = Archive(settings.runner.read_bytes())
    cache, queue = Cache(), WorkQueue[Key](Random())  # noqa: S311  jitter, not a secret
    reconciler = Reconciler(
        cluster=cluster,
        cache=cache,
        observer=Observer(cluster, cache, archive, settings.runner_image),
        archive=archive,
        wake=queue.add,
        clock=lambda: datetime.now(UTC),
        events=Events(cluster, settings.instance),
    )
    await _first_look(settings, cluster, cache, queue)
    ready.set()
    own = [
        asyncio.create_task(queue.run(settings.workers, reconciler.reconcile)),
        asyncio.create_task(_look_again(settings, cluster, cache, queue, archive)),
    ]
    watches = asyncio.create_task(
        kopf.operator(
            registry=handlers.registry(settings, cache, queue),
            clusterwide=not settings.namespaces,
            namespaces=settings.namespaces,
            standalone=True,
        )
    )
    await _until_any_ends(watches, [*own, *guards])


async def _until_any_ends(watches: asyncio.Task[None], own: list[asyncio.Task[None]]) -> None:
    """Wait until Kopf ends, as it does on SIGTERM; a task of ours that ends before that is a failure."""
    done, pending = await asyncio.wait([watches, *own], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()
    if watches not in done:
        sys.exit(1)


async def _first_look(settings: Settings, cluster: Cluster, cache: Cache, queue: WorkQueue[Key]) -> None:
    """Read everything once before anything is decided: a Job that is not known yet must not be created again."""
    while True:
        try:
            return await _look(settings, cluster, cache, queue)
        except LeaseLostError:
            raise
        except (ApiError, OSError) as error:
            log.warning("cannot read the cluster yet", error=str(error))
            await asyncio.sleep(_ASK_AGAIN)


async def _look_again(
    settings: Settings, cluster: Cluster, cache: Cache, queue: WorkQueue[Key], archive: Archive
) -> None:
    """Read everything again now and then: a deletion that happened in a gap of a watch is never told."""
    while True:
        await asyncio.sleep(settings.resync)
        archive.forget()
        try:
            await _look(settings, cluster, cache, queue)
        except (ApiError, OSError) as error:
            log.warning("cannot read the cluster", error=str(error))


async def _look(settings: Settings, cluster: Cluster, cache: Cache, queue: WorkQueue[Key]) -> None:
    for resource, selector in handlers.watched(settings).items():
        for namespace in settings.namespaces or (None,):
            before = cache.known(resource, namespace)
            await cache.replace(resource, before, cluster.list(resource, namespace, selector))
    queue.add(cache.keys())
