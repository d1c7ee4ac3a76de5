from collections.abc import AsyncIterator
from typing import Any

import pytest

from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.kube.answers import Answers
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, DEPLOYMENTS, JOBS, MIGRATIONS, PODS, STATEFUL_SETS, Resource
from alembic_operator.kube.observe import Observer, Ways
from tests.unit.core.builders import LOCKED, NOW, UP_TO_DATE
from tests.unit.core.workloads import a_postgres
from tests.unit.kube.objects import (
    a_job,
    a_migration,
    a_pod,
    a_runner_config_map,
    a_workload,
    depends_on,
    finished,
    metadata,
    uses_server,
    uses_workload,
)
from tests.unit.kube.twin import Twin

USERS = Key("shop", "users")
PROJECT: Manifest = {"source": {"configMapRef": {"name": "users-migrations"}}}


class Eyes:
    """An observer with what it looks at; `watched` objects are in the cache, others only in the cluster."""

    def __init__(self, *watched: tuple[Resource, Manifest]) -> None:
        self.cluster = Twin()
        self.cache = Cache()
        for resource, raw in watched:
            self.cache.put(resource, self.cluster.store(resource, raw))

    async def look(self, key: Key = USERS) -> Observation | None:
        return await Observer(self.cluster, self.cache, a_runner_config_map(self.cache), Ways("operator:1")).observe(
            key, NOW
        )

    async def see(self, key: Key = USERS) -> Observation:
        found = await self.look(key)
        assert found is not None
        return found


async def test_a_migration_that_is_not_there_is_not_looked_at() -> None:
    assert await Eyes().look() is None


async def test_a_migration_that_is_being_deleted_is_not_looked_at() -> None:
    raw = a_migration()
    raw["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    assert await Eyes((MIGRATIONS, raw)).look() is None


async def test_an_image_needs_no_request() -> None:
    eyes = Eyes((MIGRATIONS, a_migration()), (JOBS, a_job()), (PODS, a_pod("users-1-x")))
    seen = await eyes.see()
    assert seen.now == NOW
    assert seen.runner_image == "operator:1"
    assert isinstance(seen.source, PodParts)
    assert seen.source.container == {"image": "users:1.4"}
    assert ([one.name for one in seen.jobs], [one.name for one in seen.pods]) == (["users-1"], ["users-1-x"])
    assert (seen.server, seen.dependencies, seen.cycle) == (None, (), ())
    assert eyes.cluster.calls == []


async def test_only_running_pods_of_jobs_that_the_migration_controls_are_asked_how_far_they_are() -> None:
    runs: Manifest = {
        "phase": "Running",
        "podIP": "10.0.0.9",
        "containerStatuses": [{"name": "migrate", "state": {"running": {}}}],
    }
    strange = a_job("users-2")
    strange["metadata"]["ownerReferences"] = []
    pods = (
        a_pod("users-1-x", **runs),
        a_pod("users-1-y", **runs | {"containerStatuses": [{"name": "proxy", "state": {"running": {}}}]}),
        a_pod("users-2-x", job="users-2", **runs),
    )
    eyes = Eyes((MIGRATIONS, a_migration()), (JOBS, a_job()), (JOBS, strange), *((PODS, one) for one in pods))
    answers = Answers(wake=lambda _: None)
    for left in (["uid-of-users-1-x"], []):
        observer = Observer(eyes.cluster, eyes.cache, a_runner_config_map(), Ways("operator:1", answers=answers))
        seen = await observer.observe(USERS, NOW)
        assert seen is None or (seen.asks_progress, seen.progress) == (True, None)
        assert list(answers._asked.get(USERS, ())) == left
        eyes.cache.lose(USERS)


async def test_a_specification_that_cannot_be_read_is_seen_with_its_error() -> None:
    seen = await Eyes((MIGRATIONS, a_migration(source={"image": 7}))).see()
    assert seen.migration.spec is None
    assert seen.migration.spec_error.startswith("spec.source.image: ")
    assert isinstance(seen.source, Missing)


async def test_a_watched_workload_needs_no_request() -> None:
    eyes = Eyes((MIGRATIONS, a_migration(**uses_workload())), (DEPLOYMENTS, a_workload()))
    seen = await eyes.see()
    assert isinstance(seen.source, PodParts)
    assert eyes.cluster.calls == []


async def test_a_workload_that_is_older_than_the_reference_to_it_is_read_once() -> None:
    eyes = Eyes((MIGRATIONS, a_migration(**uses_workload())))
    eyes.cluster.store(DEPLOYMENTS, a_workload())
    for _ in range(3):
        assert isinstance((await eyes.see()).source, PodParts)
    assert eyes.cluster.calls == [("get", "deployments")]


@pytest.mark.parametrize("listed", [False, True], ids=["watched", "listed"])
async def test_what_one_has_read_is_news_for_the_others_when_its_watch_tells_of_it(listed: bool) -> None:
    other = a_migration(**uses_workload())
    other["metadata"] |= {"name": "chat", "uid": "uid-of-chat"}
    eyes = Eyes((MIGRATIONS, a_migration(**uses_workload())), (MIGRATIONS, other))
    chat = await eyes.see(Key("shop", "chat"))
    assert isinstance(chat.source, Missing)
    raw = eyes.cluster.store(DEPLOYMENTS, a_workload())
    assert isinstance((await eyes.see()).source, PodParts)

    async def all_of_them() -> AsyncIterator[Manifest]:
        yield raw

    told = await eyes.cache.replace(DEPLOYMENTS, "shop", all_of_them()) if listed else eyes.cache.put(DEPLOYMENTS, raw)
    assert Key("shop", "chat") in told
    assert eyes.cache.put(DEPLOYMENTS, raw) == set()


async def test_a_workload_that_does_not_exist_is_missing() -> None:
    seen = await Eyes((MIGRATIONS, a_migration(**uses_workload()))).see()
    assert seen.source == Missing("Deployment users does not exist", "create it, or correct spec.source.workloadRef")


async def test_a_config_map_is_read_each_time() -> None:
    eyes = Eyes((MIGRATIONS, a_migration(**PROJECT)))
    assert isinstance((await eyes.see()).source, Missing)
    files = {"metadata": metadata("users-migrations", 1), "data": {"alembic.ini": "", "env.py": ""}}
    eyes.cluster.store(CONFIG_MAPS, files)
    assert isinstance((await eyes.see()).source, PodParts)
    assert eyes.cluster.calls == [("get", "configmaps")] * 2


async def test_the_database_of_a_statefulset_is_seen() -> None:
    eyes = Eyes((MIGRATIONS, a_migration(**uses_server())), (STATEFUL_SETS, a_postgres()))
    assert (await eyes.see()).server == DatabaseServer("postgres", "postgres-headless.shop.svc", 6432, ready=True)
    assert eyes.cluster.calls == []


async def test_a_statefulset_that_does_not_exist_is_missing() -> None:
    seen = await Eyes((MIGRATIONS, a_migration(**uses_server()))).see()
    advice = "create it, or correct spec.database.statefulSetRef"
    assert seen.server == Missing("StatefulSet postgres does not exist", advice)


def ready(generation: int = 1, status: str = "True") -> Manifest:
    condition = {
        "type": "Ready",
        "status": status,
        "reason": "UpToDate",
        "message": "",
        "lastTransitionTime": "2026-03-01T12:00:00Z",
    }
    return {"status": {"observedGeneration": generation, "conditions": [condition]}}


DEPENDENCIES: dict[str, tuple[Manifest | None, Dependency]] = {
    "is ready": (ready(), Dependency("agents", exists=True, ready=True)),
    "is not ready": (ready(status="False"), Dependency("agents", exists=True, ready=False)),
    "was ready before its last change": (ready(generation=0), Dependency("agents", exists=True, ready=False)),
    "was never looked at": ({}, Dependency("agents", exists=True, ready=False)),
    "does not exist": (None, Dependency("agents", exists=False, ready=False)),
}


@pytest.mark.parametrize(("other", "told"), [pytest.param(*case, id=name) for name, case in DEPENDENCIES.items()])
async def test_a_dependency_that(other: Manifest | None, told: Dependency) -> None:
    eyes = Eyes((MIGRATIONS, a_migration(**depends_on("agents"))))
    if other is not None:
        eyes.cache.put(MIGRATIONS, a_migration("agents") | other)
    assert (await eyes.see()).dependencies == (told,)


async def test_a_cycle_is_seen_by_each_of_its_members_and_by_nobody_else() -> None:
    edges = {"users": "agents", "agents": "chat", "chat": "users", "admin": "users"}
    eyes = Eyes(*((MIGRATIONS, a_migration(name, **depends_on(other))) for name, other in edges.items()))
    assert (await eyes.see()).cycle == ("users", "agents", "chat", "users")
    assert (await eyes.see(Key("shop", "chat"))).cycle == ("chat", "users", "agents", "chat")
    assert (await eyes.see(Key("shop", "admin"))).cycle == ()


async def test_dependencies_stay_in_their_namespace() -> None:
    eyes = Eyes(
        (MIGRATIONS, a_migration(**depends_on("agents"))), (MIGRATIONS, a_migration("agents", namespace="other"))
    )
    assert (await eyes.see()).dependencies == (Dependency("agents", exists=False, ready=False),)


def a_report(name: str, exit_code: int, *, created: int = 0) -> Manifest:
    result = LOCKED if exit_code else UP_TO_DATE
    state = {"terminated": {"exitCode": exit_code, "message": result.to_json()}}
    phase = "Failed" if exit_code else "Succeeded"
    raw = a_pod(name, phase=phase, containerStatuses=[{"name": "migrate", "state": state}])
    raw["metadata"]["creationTimestamp"] = f"2026-03-01T12:00:{created:02}Z"
    return raw


def last_run(job: str = "users-1", **more: Any) -> Manifest:
    return {"status": {"lastRun": {"job": job, "attempt": 1} | more}}


UNTOLD: dict[str, tuple[tuple[Manifest, ...], Manifest]] = {
    "no pod at all": ((), a_job(**finished())),
    "only a pod that runs": ((a_pod("users-1-a", phase="Running"),), a_job(**finished())),
    "only the pod before the last": ((a_report("users-1-a", 75),), a_job(**finished())),
    "a newer pod that runs": (
        (a_report("users-1-a", 75), a_pod("users-1-z", phase="Running")),
        a_job(**finished("Failed")),
    ),
}


@pytest.mark.parametrize(("known", "job"), [pytest.param(*case, id=name) for name, case in UNTOLD.items()])
async def test_pods_are_read_when_a_job_has_ended_and_the_watch_has_told_of(
    known: tuple[Manifest, ...], job: Manifest
) -> None:
    eyes = Eyes((MIGRATIONS, a_migration() | last_run()), (JOBS, job), *((PODS, one) for one in known))
    eyes.cluster.store(PODS, a_report("users-1-z", 0, created=30))
    seen = await eyes.see()
    assert eyes.cluster.calls == [("list", "pods")]
    assert UP_TO_DATE in [one.result for one in seen.pods]


TOLD: dict[str, tuple[Manifest, tuple[Manifest, ...], Manifest]] = {
    "goes on": (a_job(), (), last_run()),
    "succeeded with a report": (a_job(**finished()), (a_report("users-1-a", 0),), last_run()),
    "failed with a report": (a_job(**finished("Failed")), (a_report("users-1-a", 75),), last_run()),
    "was written down": (a_job(**finished()), (), last_run(finishedAt="2026-03-01T12:05:00Z")),
    "is not the last one": (a_job(**finished()), (), last_run("users-2")),
}


@pytest.mark.parametrize(("job", "pods", "status"), [pytest.param(*case, id=name) for name, case in TOLD.items()])
async def test_pods_are_not_read_when_the_job(job: Manifest, pods: tuple[Manifest, ...], status: Manifest) -> None:
    eyes = Eyes((MIGRATIONS, a_migration() | status), (JOBS, job), *((PODS, one) for one in pods))
    seen = await eyes.see()
    assert eyes.cluster.calls == []
    assert len(seen.pods) == len(pods)


async def test_the_status_is_read_with_the_migration() -> None:
    seen = await Eyes((MIGRATIONS, a_migration() | last_run())).see()
    assert seen.migration.status.last_run is not None
    assert (seen.migration.status.last_run.job, seen.migration.uid) == ("users-1", "uid-of-users")


def _gated_pod(**status: Any) -> Manifest:
    raw = {"metadata": metadata("web-1", 1, labels={"alembic-operator.dev/migration": "users"}), "status": status}
    return raw | {"spec": {"initContainers": [{"name": "alembic-gate"}], "containers": [{"name": "app"}]}}
