from collections.abc import AsyncIterator, Callable

import pytest

from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts
from alembic_operator.kube.cache import Cache, Key, Reference
from alembic_operator.kube.cluster import DEPLOYMENTS, JOBS, MIGRATIONS, PODS, ROLLOUTS, STATEFUL_SETS, Resource
from tests.unit.core.workloads import a_postgres
from tests.unit.kube.caches import filled, left
from tests.unit.kube.objects import (
    a_job,
    a_migration,
    a_pod,
    a_workload,
    depends_on,
    each,
    metadata,
    uses_server,
    uses_workload,
)

USERS, AGENTS, CHAT = Key("shop", "users"), Key("shop", "agents"), Key("shop", "chat")
DEPLOYMENT = Reference(DEPLOYMENTS, "shop", "users")


def started(version: int) -> Manifest:
    return a_job(version=version, startTime="2026-03-01T12:00:01Z")


def running(version: int) -> Manifest:
    return a_pod("users-1-x", version, phase="Running")


def suspended(version: int) -> Manifest:
    return a_migration(version=version, suspend=True)


Make = Callable[[int], Manifest]
OBJECTS: dict[str, tuple[Resource, Make, Make]] = {
    "a migration": (MIGRATIONS, lambda version: a_migration(version=version), suspended),
    "a Job": (JOBS, lambda version: a_job(version=version), started),
    "a pod": (PODS, lambda version: a_pod("users-1-x", version), running),
}


@pytest.mark.parametrize(
    ("resource", "first", "then"), [pytest.param(*case, id=name) for name, case in OBJECTS.items()]
)
def test_news_of_its_own_wakes_a_migration_once(resource: Resource, first: Make, then: Make) -> None:
    cache = Cache()
    assert cache.put(resource, first(2)) == {USERS}
    assert cache.put(resource, then(2)) == set()
    assert cache.put(resource, then(1)) == set()
    assert cache.put(resource, then(3)) == {USERS}


@pytest.mark.parametrize(("resource", "make"), [(JOBS, started), (PODS, running)], ids=["a Job", "a pod"])
def test_the_end_of_a_part_wakes_its_migration(resource: Resource, make: Make) -> None:
    assert filled((resource, make(1))).drop(resource, make(2)) == {USERS}


def test_the_end_of_a_migration_itself_wakes_nobody() -> None:
    assert filled((MIGRATIONS, a_migration())).drop(MIGRATIONS, a_migration(version=2)) == set()


@pytest.mark.parametrize(("resource", "make"), [(JOBS, started), (PODS, running)], ids=["a Job", "a pod"])
def test_what_no_decision_depends_on_wakes_nobody(resource: Resource, make: Make) -> None:
    cache = filled((resource, make(2)))
    touched = make(3)
    touched["metadata"]["annotations"] = {"note": "hello"}
    assert cache.put(resource, touched) == set()
    assert cache.put(resource, make(3)) == set()


def test_a_write_that_was_put_at_once_wakes_nobody_when_the_watch_repeats_it() -> None:
    cache = filled((MIGRATIONS, a_migration(version=5)))
    assert cache.put(MIGRATIONS, a_migration(version=4)) == set()
    assert cache.put(MIGRATIONS, a_migration(version=5)) == set()


def test_an_old_event_does_not_bring_back_an_old_object() -> None:
    cache = filled((MIGRATIONS, a_migration(version=5, suspend=True)))
    cache.put(MIGRATIONS, a_migration(version=4))
    raw = cache.migration(USERS)
    assert raw is not None
    assert raw["spec"]["suspend"]


def test_an_object_that_was_made_anew_is_taken_in() -> None:
    cache = filled((JOBS, a_job(version=5)))
    cache.drop(JOBS, a_job(version=6))
    assert cache.jobs(USERS) == ()
    assert cache.put(JOBS, a_job(version=7)) == {USERS}
    assert [one.name for one in cache.jobs(USERS)] == ["users-1"]


def test_jobs_and_pods_belong_to_the_migration_of_their_label() -> None:
    cache = filled(
        (JOBS, a_job("users-1")),
        (JOBS, a_job("users-2")),
        (JOBS, a_job("agents-1", of="agents")),
        (JOBS, a_job("users-1", namespace="other")),
        (PODS, a_pod("users-1-x")),
    )
    assert [one.name for one in cache.jobs(USERS)] == ["users-1", "users-2"]
    assert [one.name for one in cache.jobs(AGENTS)] == ["agents-1"]
    assert [one.name for one in cache.pods(USERS)] == ["users-1-x"]
    assert cache.pods(AGENTS) == ()


def test_a_migration_is_kept_without_what_nobody_reads() -> None:
    raw = a_migration()
    raw["metadata"] |= {
        "managedFields": [{"manager": "kubectl"}],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "alembic-operator.dev/retry": "1"},
    }
    kept = filled((MIGRATIONS, raw)).migration(USERS)
    assert kept is not None
    assert "managedFields" not in kept["metadata"]
    assert kept["metadata"]["annotations"] == {"alembic-operator.dev/retry": "1"}
    assert kept["spec"] == raw["spec"]


def test_a_workload_that_nobody_refers_to_is_not_kept() -> None:
    cache = filled((MIGRATIONS, a_migration()))
    assert cache.put(DEPLOYMENTS, a_workload(version=2)) == set()
    assert cache.workload(DEPLOYMENT) is None


KINDS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS, "Rollout": ROLLOUTS}


@pytest.mark.parametrize("kind", KINDS)
def test_a_workload_that_a_migration_refers_to_is_kept_and_wakes_it(kind: str) -> None:
    resource = KINDS[kind]
    cache = filled((MIGRATIONS, a_migration(**uses_workload(kind=kind))))
    workload = a_workload(version=2, serviceName="users")
    assert cache.put(resource, workload) == {USERS}
    kept = cache.workload(Reference(resource, "shop", "users"))
    assert kept is not None
    assert kept.containers["app"] == PodParts({"image": "users:1.4"}, {})
    assert (kept.server is not None) == (kind == "StatefulSet")


def test_a_workload_wakes_nobody_when_nothing_of_it_matters() -> None:
    cache = filled((MIGRATIONS, a_migration(**uses_workload())), (DEPLOYMENTS, a_workload(version=2)))
    assert cache.put(DEPLOYMENTS, a_workload(version=3, replicas=9)) == set()
    assert cache.put(DEPLOYMENTS, a_workload(version=4, image="users:1.5")) == {USERS}
    assert cache.drop(DEPLOYMENTS, a_workload(version=5)) == {USERS}
    assert cache.workload(DEPLOYMENT) is None


def test_a_workload_is_kept_until_its_last_reference_is_gone() -> None:
    cache = filled(
        (MIGRATIONS, a_migration("users", **uses_workload())),
        (MIGRATIONS, a_migration("agents", **uses_workload())),
        (DEPLOYMENTS, a_workload(version=2)),
    )
    cache.drop(MIGRATIONS, a_migration("agents"))
    assert cache.workload(DEPLOYMENT) is not None
    cache.put(MIGRATIONS, a_migration("users", version=3, **uses_workload("another")))
    assert cache.workload(DEPLOYMENT) is None
    assert cache.put(DEPLOYMENTS, a_workload(version=9)) == set()


def test_a_workload_that_is_referred_to_again_is_taken_in_whatever_its_version() -> None:
    cache = filled((MIGRATIONS, a_migration(**uses_workload())), (DEPLOYMENTS, a_workload(version=2)))
    cache.put(MIGRATIONS, a_migration(version=3))
    cache.put(MIGRATIONS, a_migration(version=4, **uses_workload()))
    assert cache.put(DEPLOYMENTS, a_workload(version=2)) == {USERS}


def test_a_database_wakes_its_migrations_when_it_becomes_ready() -> None:
    cache = filled(
        (MIGRATIONS, a_migration("users", **uses_server())), (MIGRATIONS, a_migration("chat", **uses_server()))
    )
    down = a_postgres(status={})
    assert cache.put(STATEFUL_SETS, down) == {USERS, CHAT}
    assert cache.put(STATEFUL_SETS, a_postgres(metadata=metadata("postgres", 6))) == {USERS, CHAT}
    again = a_postgres(metadata=metadata("postgres", 7), status={"readyReplicas": 1, "replicas": 2})
    assert cache.put(STATEFUL_SETS, again) == set()
    kept = cache.workload(Reference(STATEFUL_SETS, "shop", "postgres"))
    assert kept is not None
    assert isinstance(kept.server, DatabaseServer)
    assert kept.server.ready


def test_a_migration_wakes_those_that_depend_on_it() -> None:
    cache = filled((MIGRATIONS, a_migration("chat", **depends_on("users", "agents"))))
    assert cache.put(MIGRATIONS, a_migration("users")) == {USERS, CHAT}
    assert cache.drop(MIGRATIONS, a_migration("users", version=2)) == {CHAT}
    cache.put(MIGRATIONS, a_migration("chat", version=3, **depends_on("agents")))
    assert cache.put(MIGRATIONS, a_migration("users", version=4)) == {USERS}


def test_a_migration_that_somebody_touched_is_looked_at_and_those_that_depend_on_it_are_not() -> None:
    cache = filled((MIGRATIONS, a_migration(version=1)), (MIGRATIONS, a_migration("chat", **depends_on("users"))))
    touched = a_migration(version=2)
    touched["metadata"] |= {"annotations": {"looked-at": "now"}}
    assert cache.put(MIGRATIONS, touched) == {USERS}


async def test_a_list_forgets_what_is_not_in_it_any_more() -> None:
    cache = filled((JOBS, a_job("users-1")), (JOBS, a_job("agents-1", of="agents")), (PODS, a_pod("users-1-x")))
    woken = await cache.replace(JOBS, None, each([a_job("agents-1", of="agents")]))
    assert woken == {USERS}
    assert cache.jobs(USERS) == ()
    assert len(cache.jobs(AGENTS)) == len(cache.pods(USERS)) == 1


async def test_a_list_forgets_migrations_and_wakes_those_that_depend_on_them() -> None:
    cache = filled((MIGRATIONS, a_migration("users")), (MIGRATIONS, a_migration("chat", **depends_on("users"))))
    listed = [a_migration("chat", **depends_on("users"))]
    assert await cache.replace(MIGRATIONS, None, each(listed)) == {CHAT}
    assert cache.keys() == [CHAT]


async def test_a_list_takes_in_what_a_watch_has_missed() -> None:
    cache = filled((MIGRATIONS, a_migration("users", version=1)))
    listed = [a_migration("users", version=2, suspend=True), a_migration("agents", version=3)]
    assert await cache.replace(MIGRATIONS, None, each(listed)) == {USERS, AGENTS}
    assert await cache.replace(MIGRATIONS, None, each(listed)) == set()


async def test_a_list_is_taken_in_while_it_comes() -> None:
    cache = Cache()

    async def listed() -> AsyncIterator[Manifest]:
        yield a_job("users-1")
        assert [one.name for one in cache.jobs(USERS)] == ["users-1"]
        yield a_job("users-2")

    await cache.replace(JOBS, None, listed())
    assert len(cache.jobs(USERS)) == 2


async def test_the_list_of_a_namespace_says_nothing_of_others() -> None:
    cache = filled((JOBS, a_job()), (JOBS, a_job(namespace="other")))
    assert await cache.replace(JOBS, "shop", each([])) == {USERS}
    assert len(cache.jobs(Key("other", "users"))) == 1


def test_nothing_is_left_of_what_is_gone() -> None:
    cache = filled(
        (MIGRATIONS, a_migration(**uses_workload(), **depends_on("agents"))),
        (DEPLOYMENTS, a_workload(version=2)),
        (JOBS, a_job()),
        (PODS, a_pod("users-1-x")),
    )
    cache.drop(PODS, a_pod("users-1-x"))
    cache.drop(JOBS, a_job())
    cache.drop(MIGRATIONS, a_migration())
    cache.drop(DEPLOYMENTS, a_workload(version=3))
    cache.drop(JOBS, a_job("never-seen"))
    assert left(cache) == {}
