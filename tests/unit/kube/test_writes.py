"""What is written to the cluster: Jobs, the status and Events."""

import base64

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import BringRunner, CreateJob, DeleteJob, Notice
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.apply import apply
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, EVENTS, JOBS
from alembic_operator.kube.errors import (
    AlreadyExistsError,
    AnotherJobError,
    ApiError,
    RefusedError,
)
from alembic_operator.kube.events import Events
from tests.unit.kube.objects import RUNNER_CONTENT, a_job, a_runner_config_map
from tests.unit.kube.twin import Twin, a_known_migration

USERS = Key("shop", "users")


async def test_a_job_that_was_created_is_known_at_once() -> None:
    cluster, cache = Twin(), Cache()
    await apply(CreateJob(a_job("users-1")), "shop", cluster, cache, a_runner_config_map())
    assert [one.name for one in cache.jobs(USERS)] == ["users-1"]
    assert cluster.calls == [("create", "jobs")]


async def test_a_job_that_exists_already_is_adopted() -> None:
    cluster, cache = Twin((JOBS, a_job("users-1", startTime="2026-03-01T12:00:00Z"))), Cache()
    await apply(CreateJob(a_job("users-1")), "shop", cluster, cache, a_runner_config_map())
    assert [one.started_at for one in cache.jobs(USERS)] == ["2026-03-01T12:00:00Z"]
    assert cluster.calls == [("create", "jobs"), ("get", "jobs")]


ANOTHER: dict[str, Manifest] = {
    "of nobody": {"metadata": {"ownerReferences": []}},
    "that no watch tells of": {"metadata": {"labels": {}}},
}


@pytest.mark.parametrize("differs", [pytest.param(one, id=name) for name, one in ANOTHER.items()])
async def test_a_job_is_not_adopted(differs: Manifest) -> None:
    there = a_job("users-1")
    there |= {name: there[name] | fields for name, fields in differs.items()}
    cluster, cache = Twin((JOBS, there)), Cache()
    with pytest.raises(AnotherJobError) as found:
        await apply(CreateJob(a_job("users-1")), "shop", cluster, cache, a_runner_config_map())
    assert found.value.job.name == "users-1"
    assert cache.jobs(USERS) == ()


async def test_a_job_that_exists_and_is_being_deleted_is_known_and_not_taken_for_a_new_one() -> None:
    there = a_job("users-1")
    there["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    cluster, cache = Twin((JOBS, there)), Cache()
    with pytest.raises(AnotherJobError):
        await apply(CreateJob(a_job("users-1")), "shop", cluster, cache, a_runner_config_map())
    assert [one.deleting for one in cache.jobs(USERS)] == [True]


async def test_a_job_that_exists_and_is_gone_at_once_is_tried_again_later() -> None:
    cluster = Twin()
    cluster.answers["create", JOBS] = AlreadyExistsError(409, "AlreadyExists", "there is one")
    with pytest.raises(AlreadyExistsError):
        await apply(CreateJob(a_job("users-1")), "shop", cluster, Cache(), a_runner_config_map())


async def test_a_job_that_is_refused_says_so() -> None:
    cluster = Twin()
    cluster.answers["create", JOBS] = RefusedError(422, "Invalid", "no")
    with pytest.raises(RefusedError):
        await apply(CreateJob(a_job("users-1")), "shop", cluster, Cache(), a_runner_config_map())


@pytest.mark.parametrize(("uid", "left"), [("uid-of-users-1", 0), ("another", 1)])
async def test_only_the_very_job_is_deleted(uid: str, left: int) -> None:
    cluster = Twin((JOBS, a_job("users-1")))
    await apply(DeleteJob("users-1", uid), "shop", cluster, Cache(), a_runner_config_map())
    assert len(cluster.objects) == left


def events(cluster: Twin) -> list[Manifest]:
    return [raw for (resource, *_), raw in cluster.objects.items() if resource == EVENTS]


async def test_a_notice_about_another_object_is_given_once_also_by_the_next_operator() -> None:
    cluster, cache = Twin(), Cache()
    migration, owner = a_known_migration(cluster, cache), Owner("apps/v1", "ReplicaSet", "users-6d9f", "r1")
    notice = Notice(Occasion.PODS_HELD, "pods wait", regarding=owner)
    first = Events(cluster, "pod-1")
    assert [await first.announce("shop", notice, migration) for _ in range(2)] == [True, False]
    assert cluster.calls == [("create", "events")]
    assert not await Events(cluster, "pod-2").announce("shop", notice, migration)
    (event,) = events(cluster)
    assert (event["regarding"]["kind"], event["regarding"]["uid"]) == ("ReplicaSet", "r1")
    assert event["related"]["name"] == "users"


async def test_a_notice_in_other_words_is_the_same_when_it_says_so() -> None:
    cluster, cache = Twin(), Cache()
    migration, owner = a_known_migration(cluster, cache), Owner("apps/v1", "Deployment", "users", "d1")
    told = Events(cluster, "pod-1")
    for note, identity in [("one pod", "r1"), ("two pods", "r1"), ("one pod", "r2"), ("a risk", ""), ("another", "")]:
        await told.announce("shop", Notice(Occasion.PODS_HELD, note, regarding=owner, identity=identity), migration)
    assert [one["note"] for one in events(cluster)] == ["one pod", "one pod", "a risk", "another"]


async def test_a_notice_without_a_migration_is_related_to_nothing() -> None:
    cluster, owner = Twin(), Owner("apps/v1", "Deployment", "users", "d1")
    assert await Events(cluster, "pod-1").announce("shop", Notice(Occasion.PODS_HELD, "no", regarding=owner), None)
    (event,) = events(cluster)
    assert (event["regarding"]["name"], "related" in event) == ("users", False)


async def test_a_notice_with_an_identity_is_not_given_again_when_its_workload_is_gone() -> None:
    cluster, cache = Twin(), Cache()
    migration, told = a_known_migration(cluster, cache), Events(cluster, "pod-1")
    for kind, uid in (("Deployment", "d1"), ("ReplicaSet", "r1")):
        notice = Notice(Occasion.GATE_SKIPPED, kind, regarding=Owner("apps/v1", kind, "users", uid), identity="r1")
        await told.announce("shop", notice, migration)
    assert [one["regarding"]["kind"] for one in events(cluster)] == ["Deployment"]


async def test_an_event_that_could_not_be_written_is_tried_again() -> None:
    cluster, cache = Twin(), Cache()
    migration, told = a_known_migration(cluster, cache), Events(cluster, "pod-1")
    notice = Notice(Occasion.PODS_HELD, "pods wait", regarding=Owner("apps/v1", "ReplicaSet", "users-6d9f", "r1"))
    cluster.answers["create", EVENTS] = ApiError(500, "InternalError", "no")
    with pytest.raises(ApiError):
        await told.announce("shop", notice, migration)
    del cluster.answers["create", EVENTS]
    assert await told.announce("shop", notice, migration)


async def test_the_runner_is_brought_to_a_namespace_once() -> None:
    cluster, runner_config_map = Twin(), a_runner_config_map()
    assert not await runner_config_map.is_in("shop", cluster)
    await apply(BringRunner(), "shop", cluster, Cache(), runner_config_map)
    assert await runner_config_map.is_in("shop", cluster)
    assert not await runner_config_map.is_in("bank", cluster)
    stored_map = cluster.objects[CONFIG_MAPS, "shop", "alembic-operator-runner"]
    assert base64.b64decode(stored_map["binaryData"]["runner.pyz"]) == RUNNER_CONTENT


async def test_a_runner_of_another_operator_is_replaced_and_one_that_was_deleted_comes_back() -> None:
    cluster, cache = Twin(), Cache()
    runner_config_map = a_runner_config_map(cache)
    cluster.store(CONFIG_MAPS, a_runner_config_map(content=b"older").manifest("shop"))
    assert not await runner_config_map.is_in("shop", cluster)
    await runner_config_map.bring("shop", cluster)
    assert await runner_config_map.is_in("shop", cluster)
    cache.drop(CONFIG_MAPS, cluster.objects.pop((CONFIG_MAPS, "shop", "alembic-operator-runner")))
    assert not await runner_config_map.is_in("shop", cluster)


async def test_an_event_names_the_migration_and_fits_in_what_the_api_server_takes() -> None:
    cluster, cache = Twin(), Cache()
    note = "ü" * 900
    notice = Notice(Occasion.FAILED, note, warning=True)
    await Events(cluster, "pod-1").announce("shop", notice, a_known_migration(cluster, cache))
    (event,) = events(cluster)
    assert (event["reason"], event["type"], event["reportingInstance"]) == ("Failed", "Warning", "pod-1")
    assert event["regarding"]["uid"] == "uid-of-users"
    assert event["note"] == "ü" * 512


async def test_a_notice_about_the_migration_with_an_identity_is_one_event() -> None:
    cluster, cache = Twin(), Cache()
    migration, told = a_known_migration(cluster, cache), Events(cluster, "pod-1")
    notice = Notice(Occasion.HELD, "WaitingForWorkload: it is not there", identity="since noon")
    assert await told.announce("shop", notice, migration)
    assert not await told.announce("shop", notice, migration)
    assert not await Events(cluster, "pod-2").announce("shop", notice, migration)
    (event,) = events(cluster)
    assert event["regarding"]["uid"] == migration.uid
