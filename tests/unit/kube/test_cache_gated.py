"""What is known of pods that wait, and of the workloads that they belong to."""

import pytest

from alembic_operator.kube.cache import Cache, Key, Reference
from alembic_operator.kube.cluster import DEPLOYMENTS, MIGRATIONS, PODS, ROLLOUTS, STATEFUL_SETS, Resource
from tests.unit.kube.caches import filled, left
from tests.unit.kube.objects import a_gated_pod, a_gated_workload, a_migration, a_pod, a_workload, each, uses_workload

USERS, CHAT = Key("shop", "users"), Key("shop", "chat")
AT_THE_GATE = {"running": {"startedAt": "2026-03-01T12:00:01Z"}}


def test_pods_that_wait_are_no_pods_that_run() -> None:
    cache = filled((PODS, a_pod("users-1-x")), (PODS, a_gated_pod()))
    assert [one.name for one in cache.pods(USERS)] == ["users-1-x"]
    assert [one.name for one in cache.gated(USERS)] == ["users-6d9f-0"]


def test_a_pod_that_waits_wakes_its_migration_when_its_gate_does_something() -> None:
    cache = Cache()
    assert cache.put(PODS, a_gated_pod(version=1)) == {USERS}
    assert cache.put(PODS, a_gated_pod(version=2)) == set()
    assert cache.put(PODS, a_gated_pod(version=3, state=AT_THE_GATE)) == {USERS}
    assert cache.drop(PODS, a_gated_pod(version=4)) == {USERS}
    assert cache.gated(USERS) == ()


def test_a_pod_whose_label_changes_belongs_to_the_other_migration() -> None:
    cache = filled((PODS, a_gated_pod(version=1)))
    assert cache.put(PODS, a_gated_pod(version=2, of="chat")) == {USERS, CHAT}
    assert (cache.gated(USERS), len(cache.gated(CHAT))) == ((), 1)
    assert cache.drop(PODS, a_gated_pod(version=3, of="chat")) == {CHAT}
    assert cache.gated(CHAT) == ()


async def test_a_deletion_in_a_gap_of_the_watch_is_found_in_the_list() -> None:
    cache = filled((PODS, a_gated_pod("a")), (PODS, a_gated_pod("b")), (PODS, a_pod("users-1-x")))
    assert await cache.replace(PODS, None, each([a_gated_pod("b")])) == {USERS}
    assert ([one.name for one in cache.gated(USERS)], cache.pods(USERS)) == (["b"], ())


def test_a_pod_waits_for_a_migration_that_does_not_exist() -> None:
    cache = filled((PODS, a_gated_pod()))
    assert cache.keys() == [USERS]
    cache.put(MIGRATIONS, a_migration())
    assert cache.keys() == [USERS]
    assert cache.drop(MIGRATIONS, a_migration(version=2)) == {USERS}


@pytest.mark.parametrize(
    ("resource", "api_version", "kind"),
    [
        (DEPLOYMENTS, "apps/v1", "Deployment"),
        (STATEFUL_SETS, "apps/v1", "StatefulSet"),
        (ROLLOUTS, "argoproj.io/v1alpha1", "Rollout"),
    ],
)
def test_a_workload_whose_pods_wait_is_known_although_nobody_refers_to_it(
    resource: Resource, api_version: str, kind: str
) -> None:
    cache = Cache()
    assert cache.put(resource, a_gated_workload(serviceName="users")) == {USERS}
    (kept,) = cache.gated_workloads(USERS)
    assert (kept.owner.api_version, kept.owner.kind, kept.owner.uid) == (api_version, kind, "uid-of-users")
    assert cache.workload(Reference(resource, "shop", "users")) is None
    assert cache.drop(resource, a_gated_workload(version=2)) == {USERS}
    assert cache.gated_workloads(USERS) == ()


def test_a_workload_wakes_its_migration_only_when_a_risk_changes() -> None:
    cache = filled((DEPLOYMENTS, a_gated_workload(version=1, replicas=4)))
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=2, replicas=9)) == set()
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=3, replicas=1)) == {USERS}
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=4, replicas=1, progressDeadlineSeconds=60)) == {USERS}


def test_a_workload_whose_label_goes_is_forgotten() -> None:
    cache = filled((DEPLOYMENTS, a_gated_workload(version=1)))
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=2, of="")) == {USERS}
    assert left(cache) == {}


def test_a_workload_whose_label_changes_wakes_both() -> None:
    cache = filled((DEPLOYMENTS, a_gated_workload(version=1)))
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=2, of="chat")) == {USERS, CHAT}
    assert (cache.gated_workloads(USERS), len(cache.gated_workloads(CHAT))) == ((), 1)


async def test_a_workload_that_waits_is_taken_in_again_when_a_migration_begins_to_refer_to_it() -> None:
    cache = filled((DEPLOYMENTS, a_gated_workload(version=5)))
    cache.put(MIGRATIONS, a_migration(version=6, **uses_workload()))
    reference = Reference(DEPLOYMENTS, "shop", "users")
    assert cache.workload(reference) is None
    assert cache.put(DEPLOYMENTS, a_gated_workload(version=5)) == {USERS}
    assert cache.workload(reference) is not None
    cache.put(MIGRATIONS, a_migration(version=7))
    assert cache.workload(reference) is None
    assert len(cache.gated_workloads(USERS)) == 1
    assert await cache.replace(DEPLOYMENTS, None, each([])) == {USERS}
    assert cache.gated_workloads(USERS) == ()


async def test_a_workload_that_is_not_read_again_yet_is_forgotten_when_it_is_gone() -> None:
    cache = filled((DEPLOYMENTS, a_gated_workload(version=5)), (MIGRATIONS, a_migration(**uses_workload())))
    await cache.replace(DEPLOYMENTS, None, each([]))
    assert cache.gated_workloads(USERS) == ()


def test_a_workload_without_the_label_is_as_before() -> None:
    cache = filled((MIGRATIONS, a_migration(**uses_workload())), (DEPLOYMENTS, a_workload(version=2)))
    assert cache.gated_workloads(USERS) == ()
    assert cache.workload(Reference(DEPLOYMENTS, "shop", "users")) is not None


def test_nothing_is_left_of_what_is_gone() -> None:
    cache = filled(
        (MIGRATIONS, a_migration(**uses_workload())),
        (DEPLOYMENTS, a_gated_workload(version=2)),
        (PODS, a_gated_pod()),
        (PODS, a_pod("users-1-x")),
    )
    for resource, raw in [
        (PODS, a_gated_pod()),
        (DEPLOYMENTS, a_gated_workload(version=3)),
        (MIGRATIONS, a_migration()),
        (PODS, a_pod("users-1-x")),
        (PODS, a_gated_pod("never-seen")),
    ]:
        cache.drop(resource, raw)
    assert left(cache) == {}
