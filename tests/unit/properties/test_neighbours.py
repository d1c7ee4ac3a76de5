"""Whatever stands in one namespace, the cache takes it in, and the migration of another namespace gets its Job."""

import asyncio
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from hypothesis import given
from structlog.testing import capture_logs

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    JOBS,
    MIGRATIONS,
    PODS,
    ROLLOUTS,
    STATEFUL_SETS,
    Resource,
)
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer, Ways
from alembic_operator.shell.reconcile import Reconciler
from alembic_operator.shell.run import LEVELS
from tests.unit.kube.objects import a_migration, a_runner_config_map, each
from tests.unit.kube.twin import Twin
from tests.unit.properties import foreign, wholes
from tests.unit.properties.foreign import Choices, spoilt_by

SOON = 1.0
"""Seconds of the processor, for all objects and two looks."""

HOSTILE, OTHER = Key("shop", "users"), Key("other", "users")
WHOLE: list[tuple[Resource, Manifest]] = [
    (MIGRATIONS, wholes.MIGRATION),
    (MIGRATIONS, wholes.MIGRATION | {"metadata": wholes.metadata("agents"), "spec": {"source": {"image": "a"}}}),
    (JOBS, wholes.A_JOB),
    (PODS, wholes.A_POD),
    (PODS, wholes.A_GATED_POD),
    (DEPLOYMENTS, wholes.A_DEPLOYMENT),
    (ROLLOUTS, wholes.A_ROLLOUT),
    (STATEFUL_SETS, wholes.A_STATEFUL_SET),
    (CONFIG_MAPS, wholes.A_CONFIG_MAP),
]


class Town:
    """Two namespaces, and an operator that serves both."""

    def __init__(self) -> None:
        self.cluster, self.cache = Twin(), Cache()
        runner_config_map = a_runner_config_map(self.cache)
        for key in (HOSTILE, OTHER):
            self.cluster.store(CONFIG_MAPS, runner_config_map.manifest(key.namespace))
        self.reconciler = Reconciler(
            cluster=self.cluster,
            cache=self.cache,
            observer=Observer(self.cluster, self.cache, runner_config_map, Ways("operator:1")),
            runner_config_map=runner_config_map,
            wake=lambda _: None,
            clock=lambda: datetime(2026, 3, 1, 12, tzinfo=UTC),
            events=Events(self.cluster, "pod-1"),
        )

    def take_in(self, resource: Resource, raw: Manifest) -> None:
        """Let the API server have it, and a watch tell of it."""
        metadata = raw["metadata"]
        self.cluster.objects[resource, metadata["namespace"], metadata["name"]] = raw
        if resource != CONFIG_MAPS:
            self.cache.put(resource, raw)

    async def list_again(self) -> None:
        for resource in (MIGRATIONS, JOBS, PODS, DEPLOYMENTS, ROLLOUTS, STATEFUL_SETS):
            found = [raw for (kind, *_), raw in self.cluster.objects.items() if kind == resource]
            await self.cache.replace(resource, None, each(found))


@contextmanager
def as_in_the_operator() -> Iterator[None]:
    """Read as deep as it does, and keep its log to ourselves."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(LEVELS)
    with capture_logs():
        try:
            yield
        finally:
            sys.setrecursionlimit(before)


async def _live(choose: Choices) -> None:
    town = Town()
    for resource, whole in WHOLE:
        raw = spoilt_by(choose, whole) if choose.below(2) else whole
        town.take_in(resource, raw)
        if choose.below(8) == 0:
            town.cache.drop(resource, raw)
    town.take_in(MIGRATIONS, a_migration("users", 8, "other"))
    if choose.below(2):
        await town.list_again()
    keys = town.cache.keys()
    assert OTHER in keys
    await town.reconciler.reconcile(OTHER)
    (job,) = (raw for (kind, namespace, _), raw in town.cluster.objects.items() if (kind, namespace) == (JOBS, "other"))
    assert job["metadata"]["labels"][names.RUN_LABEL] == "users"
    for key in keys:
        await town.reconciler.reconcile(key)


@given(choose=foreign.choices)
def test_nothing_in_one_namespace_keeps_the_operator_from_another(choose: Choices) -> None:
    began = time.process_time()
    with as_in_the_operator():
        asyncio.run(_live(choose))
    assert time.process_time() - began < SOON
