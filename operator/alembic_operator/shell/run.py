"""Put the operator together and keep it running until it is told to stop."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from random import Random
from typing import Any

import kopf
import structlog
import uvloop

from alembic_operator.core.imports.progress import read_import_progress
from alembic_operator.kube.answers import Answers
from alembic_operator.kube.cache import Cache, ImportKey, Key
from alembic_operator.kube.cache.reflector import Lister, Reflector
from alembic_operator.kube.client import ApiServer, connected
from alembic_operator.kube.cluster import MIGRATIONS, Scope
from alembic_operator.kube.definition import shortcoming
from alembic_operator.kube.errors import ApiError, LeaseLostError, LoginError
from alembic_operator.kube.events import Events
from alembic_operator.kube.imports import ImportCache, Imports
from alembic_operator.kube.observe import Observer, Ways
from alembic_operator.kube.runner_config_map import RunnerConfigMap
from alembic_operator.shell import handlers, imports, telemetry
from alembic_operator.shell.informer import Informer, reflected
from alembic_operator.shell.leadership import leading
from alembic_operator.shell.policies import GatePolicies
from alembic_operator.shell.queue import Bounds, WorkQueue
from alembic_operator.shell.reconcile import Reconciler
from alembic_operator.shell.settings import Settings

log = structlog.get_logger()

_ASK_AGAIN = 2.0

LEVELS = 30_000
"""Calls within calls. The API server takes JSON of 10,000 levels, and Python's own limit of 1,000 would let one object
of one namespace end every list that it is in; 30,000 were read, compared and written with a stack of 8 MiB. Python 3.12
reads 1,500 whatever it is told, and 3.13 almost 10,000: the image has 3.11."""

_KOPF_HAS_LISTED = 30.0
"""Seconds after which it has, and keeps something of each migration: one look through that was a stop of 0.1 s."""

_BOUNDS = Bounds(lane=8, total=64)
"""Migrations that are looked at side by side, of a namespace and of all: each may wait for a slow API server."""


def run(settings: Settings) -> int:
    """Run the operator; return the exit code, which is 0 after SIGTERM."""
    telemetry.configure_logging(settings.log_format)
    sys.setrecursionlimit(LEVELS)
    gc.freeze()  # what was imported stays: to look through it costs 20 ms each time
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(_run(settings))
    except asyncio.CancelledError:
        return 0
    except (OSError, LeaseLostError, LoginError) as error:
        log.error("cannot go on", error=str(error))  # noqa: TRY400  a sentence, not a traceback
        return 1
    return 0


async def _run(settings: Settings) -> None:
    if own := asyncio.current_task():  # until Kopf runs and stops at SIGTERM by itself
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, own.cancel)
    ready = asyncio.Event()
    informer = Informer(Cache(), WorkQueue[Key | ImportKey](Random(), _namespace, _BOUNDS))  # noqa: S311  jitter, not a secret
    async with (
        connected() as server,
        telemetry.health(settings.health_port, ready.is_set, informer.troubles),
        _metrics(settings, server, informer),
    ):
        await _until_the_definition_fits(server)
        if settings.lease is None:
            return await _act(settings, server, informer, ready)
        async with leading(settings.lease, ready.set) as (leadership, keeper):
            ready.clear()
            return await _act(settings, server.only_while(leadership.check), informer, ready, keeper)


@asynccontextmanager
async def _metrics(settings: Settings, server: ApiServer, informer: Informer) -> AsyncIterator[None]:
    """Serve /metrics, also while another one leads; 14 MiB are imported only where somebody asks for them."""
    if not settings.metrics_port:
        yield
        return
    from alembic_operator.shell.metrics.collector import OperatorCollector  # noqa: PLC0415
    from alembic_operator.shell.metrics.endpoint import metrics  # noqa: PLC0415

    async with metrics(settings.metrics_port, OperatorCollector(informer, server)):
        yield


def _namespace(key: Key | ImportKey) -> str:
    return key.namespace


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


async def _act(
    settings: Settings, server: ApiServer, informer: Informer, ready: asyncio.Event, *guards: asyncio.Future[None]
) -> None:
    """Be the operator, until SIGTERM or the end of a guard."""
    runner_config_map = RunnerConfigMap(settings.runner.read_bytes(), informer.cache)
    answers = Answers(informer.queue.add) if settings.asks_progress else None
    ways = Ways(settings.runner_image, limits_job_template=settings.limit_job_template, answers=answers)
    observer = Observer(server, informer.cache, runner_config_map, ways)
    events = Events(server, settings.instance)
    of_loads = Answers(informer.queue.add, read=read_import_progress) if settings.asks_progress else None
    importer = imports.ImportReconciler(
        Imports(server, informer.imports, informer.cache, observer, ways, of_loads), _now, events
    )
    reconciler = Reconciler(
        cluster=server,
        cache=informer.cache,
        observer=observer,
        runner_config_map=runner_config_map,
        wake=informer.queue.add,
        clock=_now,
        events=events,
        tally=informer.tally,
    )
    informer.tally.leads = True
    reflectors = [*_reflectors(settings, server, informer), *importer.reflectors(settings, informer)]
    async with _running(*(one.run() for one in reflectors)) as reflecting:
        first_look = asyncio.ensure_future(_first_look(informer, reflectors))
        await _until(first_look, *reflecting, *guards)
        ready.set()
        asking = [one.run() for one in (answers, of_loads) if one]
        looking = [_look_again(settings, informer, importer.imports.cache), *_policies(settings, server, informer)]
        async with _running(informer.queue.run(_work(reconciler, importer, informer)), *looking, *asking) as working:
            watches = asyncio.ensure_future(_watches(settings, server, informer))
            with handlers.straight_to(informer.on_change):
                await _until(watches, *working, *reflecting, *guards)


async def _watches(settings: Settings, server: ApiServer, informer: Informer) -> None:
    """Hear of migrations, by Kopf."""
    await kopf.operator(
        registry=handlers.registry(informer.on_change, server.url),
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        standalone=True,
    )


def _work(
    reconciler: Reconciler, importer: imports.ImportReconciler, informer: Informer
) -> Callable[[Key | ImportKey], Awaitable[float | None]]:
    async def work(key: Key | ImportKey) -> float | None:
        if isinstance(key, ImportKey):
            return await importer.reconcile(key)
        after = await reconciler.reconcile(key)
        informer.queue.add(importer.imports.cache.referring(key))  # they wait until it is Ready
        return after

    return work


def _now() -> datetime:
    return datetime.now(UTC)


def _policies(settings: Settings, server: ApiServer, informer: Informer) -> list[Coroutine[Any, Any, None]]:
    if not settings.gate_policies:
        return []
    return [GatePolicies(server, settings.gate_policies, informer.tally).run()]


@asynccontextmanager
async def _running(*work: Coroutine[Any, Any, None]) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run these for as long as the context lasts."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(main: asyncio.Future[None], *others: asyncio.Future[None]) -> None:
    """Wait until `main` ends, as Kopf does on SIGTERM; another task that ends before that is a failure."""
    try:
        done, _ = await asyncio.wait([main, *others], return_when=asyncio.FIRST_COMPLETED)
    finally:
        main.cancel()
    for task in done:
        task.result()
    if main not in done:
        await asyncio.gather(main, return_exceptions=True)
        sys.exit(1)


def _reflectors(settings: Settings, server: ApiServer, informer: Informer) -> list[Reflector]:
    random = Random()  # noqa: S311  jitter, not a secret
    watched = [Reflector(server, informer.cache, scope, informer, random) for scope in reflected(settings)]
    listed = [
        Lister(server, informer.cache, Scope(MIGRATIONS, namespace), informer, random, settings.resync)
        for namespace in settings.namespaces or (None,)
    ]
    return [*listed, *watched]


async def _first_look(informer: Informer, reflectors: list[Reflector]) -> None:
    """Read everything once before anything is decided: a Job that is not known yet must not be created again."""
    for one in reflectors:
        await one.settled.wait()
    gc.freeze()  # what is known of 10,000 migrations stays, too
    informer.queue.add(informer.cache.keys())


async def _look_again(settings: Settings, informer: Informer, of_imports: ImportCache) -> None:
    """Look at everything again now and then, one after the other over the whole time."""
    asyncio.get_running_loop().call_later(_KOPF_HAS_LISTED, gc.freeze)
    while True:
        keys: list[Key | ImportKey] = [*informer.cache.keys(), *of_imports.keys()]
        for key in keys:
            await asyncio.sleep(settings.resync / len(keys))
            informer.queue.add((key,))
        if not keys:
            await asyncio.sleep(settings.resync)
        gc.collect()  # what is garbage now could not be told from the rest later
        gc.freeze()
