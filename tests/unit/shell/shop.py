"""A cluster with one migration in memory, and an operator that looks at it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alembic_operator.api.status import Status
from alembic_operator.contract import Result
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, DEPLOYMENTS, EVENTS, JOBS, MIGRATIONS, PODS
from alembic_operator.kube.errors import (
    ApiError,
)
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer, Ways
from alembic_operator.shell.reconcile import Reconciler
from tests.unit.kube.objects import OPERATOR_LABEL, a_migration, a_runner_config_map
from tests.unit.kube.twin import Twin

Logs = Sequence[Mapping[str, Any]]

USERS = Key("shop", "users")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITE_STATUS, CREATE_JOB, DELETE_JOB = ("apply", "databasemigrations"), ("create", "jobs"), ("delete", "jobs")
EVENT = ("create", "events")


class Shop:
    """A cluster with one migration, and an operator that looks at it."""

    def __init__(self, **spec: object) -> None:
        self.cluster, self.cache = Twin(), Cache()
        runner_config_map = a_runner_config_map(self.cache)
        self.cluster.store(CONFIG_MAPS, runner_config_map.manifest("shop"))
        self.woken: list[Key] = []
        self.now = NOW
        self.reconciler = Reconciler(
            cluster=self.cluster,
            cache=self.cache,
            observer=Observer(self.cluster, self.cache, runner_config_map, Ways("operator:1")),
            runner_config_map=runner_config_map,
            wake=self.woken.extend,
            clock=lambda: self.now,
            events=Events(self.cluster, "pod-1"),
        )
        self.change(**spec)

    async def deploy(self, image: str) -> None:
        """Give Deployment web an image, and look."""
        template = {"spec": {"containers": [{"name": "app", "image": image}]}}
        workload = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": template}}
        self.cache.put(DEPLOYMENTS, self.cluster.store(DEPLOYMENTS, workload))
        await self.look()

    def change(self, **spec: object) -> None:
        before = self.cluster.objects.get((MIGRATIONS, *USERS), a_migration())
        raw = before | {"spec": before["spec"] | spec}
        raw["metadata"] = raw["metadata"] | {"generation": before["metadata"]["generation"] + 1}
        self.cache.put(MIGRATIONS, self.cluster.store(MIGRATIONS, raw))

    async def look(self) -> list[tuple[str, str]]:
        """Reconcile, and return what was asked of the cluster."""
        self.cluster.calls.clear()
        self.after = await self.reconciler.reconcile(USERS)
        return list(self.cluster.calls)

    @property
    def status(self) -> Status:
        return Status.model_validate(self.cluster.objects[MIGRATIONS, *USERS]["status"])

    @property
    def reason(self) -> str:
        return self.status.conditions[0].reason

    @property
    def message(self) -> str:
        return self.status.conditions[0].message

    @property
    def jobs(self) -> list[Manifest]:
        return [raw for (resource, *_), raw in self.cluster.objects.items() if resource == JOBS]

    def end(self, exit_code: int, result: Result) -> None:
        """Let the newest Job and its pod end, and the watches tell."""
        job, name = self.jobs[-1], self.jobs[-1]["metadata"]["name"]
        state = {"terminated": {"exitCode": exit_code, "message": result.to_json()}}
        labels = OPERATOR_LABEL | {"alembic-operator.dev/run": "users"}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": name,
            "uid": job["metadata"]["uid"],
            "controller": True,
        }
        pod = {
            "metadata": {"name": f"{name}-x", "namespace": "shop", "labels": labels, "ownerReferences": [owner]},
            "status": {
                "phase": "Failed" if exit_code else "Succeeded",
                "containerStatuses": [{"name": "migrate", "state": state}],
            },
        }
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Failed" if exit_code else "Complete", "status": "True", "lastTransitionTime": at}
        self.cache.put(PODS, self.cluster.store(PODS, pod))
        self.cache.put(JOBS, self.cluster.store(JOBS, job | {"status": {"startTime": at, "conditions": [condition]}}))

    async def forget_jobs(self) -> None:
        """Let the watches tell what was deleted."""
        await self.cache.replace(JOBS, None, self.cluster.list(JOBS, "shop"))
        for resource, namespace, name in list(self.cluster.objects):
            if resource == PODS:
                self.cache.drop(PODS, self.cluster.objects.pop((resource, namespace, name)))


def events(shop: Shop) -> list[Manifest]:
    """Return the events that were written."""
    return [raw for (resource, *_), raw in shop.cluster.objects.items() if resource == EVENTS]


async def fail(shop: Shop, *, seconds: float = 1, kind: type[Exception] = ApiError) -> list[tuple[str, str]]:
    """Look and fail, and let some time pass before that."""
    shop.now += timedelta(seconds=seconds)
    with pytest.raises(kind):
        await shop.look()
    return list(shop.cluster.calls)
