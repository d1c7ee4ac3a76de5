"""What is written to the cluster: Jobs, the status and Events."""

import base64
from datetime import timedelta

import pytest

from alembic_operator.api.reasons import Occasion, Reason
from alembic_operator.api.status import Status
from alembic_operator.core.actions import BringRunner, CreateJob, DeleteJob, Notice
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.status.conditions import conditions
from alembic_operator.kube.apply import apply
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, EVENTS, JOBS, MIGRATIONS, Resource
from alembic_operator.kube.errors import (
    AlreadyExistsError,
    AnotherJobError,
    ApiError,
    ConflictError,
    NotFoundError,
    RefusedError,
)
from alembic_operator.kube.events import Events
from alembic_operator.kube.report import report, without
from tests.unit.core.builders import NOW
from tests.unit.core.life import Life
from tests.unit.kube.objects import RUNNER_CONTENT, a_job, a_migration, a_runner_config_map, depends_on
from tests.unit.kube.twin import Twin

USERS, CHAT = Key("shop", "users"), Key("shop", "chat")


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


def stored(cluster: Twin, cache: Cache) -> Migration:
    raw = cluster.store(MIGRATIONS, a_migration())
    cache.put(MIGRATIONS, raw)
    return read_migration(raw)


def a_status(reason: Reason = Reason.PENDING) -> Status:
    return Status(observed_generation=1, conditions=conditions((), reason, "created", generation=1, now=NOW))


async def test_a_status_is_written_once_and_known_at_once() -> None:
    cluster, cache = Twin(), Cache()
    migration = stored(cluster, cache)
    assert await report(migration, a_status(), cluster, cache) == set()
    raw = cache.migration(USERS)
    assert raw is not None
    again = read_migration(raw)
    assert again.status == a_status()
    assert await report(again, a_status(), cluster, cache) == set()
    assert cluster.calls == [("apply", "databasemigrations")]


NEWER = {
    "a specification": {"generation": 2},
    "a retry annotation": {"annotations": {"alembic-operator.dev/retry": "now"}},
}


@pytest.mark.parametrize("changed", NEWER.values(), ids=NEWER)
async def test_what_only_the_answer_to_a_status_tells_of_is_looked_at(changed: dict[str, object]) -> None:
    cluster, cache = Twin(), Cache()
    migration = stored(cluster, cache)
    raw = a_migration()
    raw["metadata"] |= changed
    newer = cluster.store(MIGRATIONS, raw)
    assert await report(migration, a_status(), cluster, cache) == {USERS}
    assert cache.put(MIGRATIONS, newer) == set(), "the watch tells nothing new"
    assert await report(read_migration(newer), a_status(Reason.SUSPENDED), cluster, cache) == set()


async def test_a_status_is_written_without_defaults_and_nulls_and_with_the_uid() -> None:
    cluster, cache = Twin(), Cache()
    sent = []

    class Listening(Twin):
        async def apply_status(self, *arguments: object) -> dict[str, object]:
            sent.append(arguments[1])
            raise NotFoundError(404, "NotFound", "gone")

    await report(stored(cluster, cache), a_status(), Listening(), cache)
    condition = {
        "status": "False",
        "reason": "Pending",
        "message": "created",
        "lastTransitionTime": "2026-03-01T12:00:00Z",
        "observedGeneration": 1,
    }
    assert sent == [
        {
            "apiVersion": "alembic-operator.dev/v1alpha1",
            "kind": "DatabaseMigration",
            "metadata": {"name": "users", "namespace": "shop", "uid": "uid-of-users"},
            "status": {
                "knownImages": [],
                "observedGeneration": 1,
                "conditions": [{"type": "Ready"} | condition, {"type": "Reconciling"} | condition | {"status": "True"}],
            },
        }
    ]


async def test_the_status_of_a_migration_that_is_gone_does_not_stay_with_its_successor() -> None:
    cluster, cache = Twin(), Cache()
    migration = stored(cluster, cache)
    successor = a_migration() | {"status": {}}
    successor["metadata"] |= {"uid": "uid-of-another"}
    begun = cluster.store(MIGRATIONS, successor)
    assert await report(migration, a_status(), cluster, cache) is None
    assert cluster.objects[MIGRATIONS, "shop", "users"]["status"] == {}
    assert cache.put(MIGRATIONS, begun) == {USERS}, "its own event is news"


async def test_what_others_left_in_a_status_is_taken_from_it() -> None:
    foreign = {"knownImages": ["sha256:x"], "image": "theirs", "lastRun": {"attempt": 9, "outcome": "UpToDate"}}

    class Leaving(Twin):
        """Leaves what an apply does not name, as the API server does for fields of other managers."""

        async def apply_status(self, resource: Resource, manifest: Manifest) -> Manifest:
            return await super().apply_status(resource, manifest | {"status": foreign | manifest["status"]})

    cluster, cache = Leaving(), Cache()
    migration = stored(cluster, cache)
    assert await report(migration, a_status(), cluster, cache) == set()
    raw = cache.migration(USERS)
    assert raw is not None
    assert read_migration(raw).status == a_status()
    assert cluster.calls == [("apply", "databasemigrations"), ("merge", "databasemigrations")]


LEFT: dict[str, tuple[Manifest, Manifest, Manifest]] = {
    "nothing": ({"a": 1}, {"a": 1}, {}),
    "a field": ({"a": 1, "b": 2}, {"a": 1}, {"b": None}),
    "a field within": ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
    "an item": ({"a": [{"type": "Ready"}, {"type": "Mine"}]}, {"a": [{"type": "Ready"}]}, {"a": [{"type": "Ready"}]}),
    "an object instead of a value": ({"a": {"b": 1}}, {"a": 1}, {"a": 1}),
}


@pytest.mark.parametrize(("there", "wanted", "patch"), [pytest.param(*case, id=name) for name, case in LEFT.items()])
def test_what_is_taken_from_a_status_that_has_more_by(there: Manifest, wanted: Manifest, patch: Manifest) -> None:
    assert without(there, wanted) == patch


async def test_a_status_of_a_whole_life_is_read_back_as_it_was_written() -> None:
    cluster, cache, life = Twin(), Cache(), Life()
    life.run(75, None)
    life.pass_time(timedelta(minutes=1).total_seconds())
    life.look()
    status = life.run().status
    await report(stored(cluster, cache), status, cluster, cache)
    raw = cache.migration(USERS)
    assert raw is not None
    assert read_migration(raw).status == status


async def test_a_status_that_says_ready_wakes_those_that_depend_on_it_and_not_itself() -> None:
    cluster, cache = Twin(), Cache()
    cache.put(MIGRATIONS, a_migration("chat", **depends_on("users")))
    migration = stored(cluster, cache)
    assert await report(migration, a_status(), cluster, cache) == set()
    assert await report(migration, a_status(Reason.UP_TO_DATE), cluster, cache) == {CHAT}
    assert await report(migration, a_status(Reason.DATABASE_AHEAD), cluster, cache) == set()
    assert await report(migration, a_status(Reason.MIGRATING), cluster, cache) == {CHAT}


@pytest.mark.parametrize(
    "error", [NotFoundError(404, "NotFound", "gone"), ConflictError(409, "Conflict", "another")], ids=str
)
async def test_a_status_of_a_migration_that_is_gone_is_nobodys_concern(error: ApiError) -> None:
    cluster, cache = Twin(), Cache()
    migration = stored(cluster, cache)
    cluster.answers["apply", MIGRATIONS] = error
    assert await report(migration, a_status(), cluster, cache) is None


def events(cluster: Twin) -> list[Manifest]:
    return [raw for (resource, *_), raw in cluster.objects.items() if resource == EVENTS]


async def test_a_notice_about_another_object_is_given_once_also_by_the_next_operator() -> None:
    cluster, cache = Twin(), Cache()
    migration, owner = stored(cluster, cache), Owner("apps/v1", "ReplicaSet", "users-6d9f", "r1")
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
    migration, owner = stored(cluster, cache), Owner("apps/v1", "Deployment", "users", "d1")
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
    migration, told = stored(cluster, cache), Events(cluster, "pod-1")
    for kind, uid in (("Deployment", "d1"), ("ReplicaSet", "r1")):
        notice = Notice(Occasion.GATE_SKIPPED, kind, regarding=Owner("apps/v1", kind, "users", uid), identity="r1")
        await told.announce("shop", notice, migration)
    assert [one["regarding"]["kind"] for one in events(cluster)] == ["Deployment"]


async def test_an_event_that_could_not_be_written_is_tried_again() -> None:
    cluster, cache = Twin(), Cache()
    migration, told = stored(cluster, cache), Events(cluster, "pod-1")
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
    await Events(cluster, "pod-1").announce("shop", notice, stored(cluster, cache))
    (event,) = events(cluster)
    assert (event["reason"], event["type"], event["reportingInstance"]) == ("Failed", "Warning", "pod-1")
    assert event["regarding"]["uid"] == "uid-of-users"
    assert event["note"] == "ü" * 512


async def test_a_notice_about_the_migration_with_an_identity_is_one_event() -> None:
    cluster, cache = Twin(), Cache()
    migration, told = stored(cluster, cache), Events(cluster, "pod-1")
    notice = Notice(Occasion.HELD, "WaitingForWorkload: it is not there", identity="since noon")
    assert await told.announce("shop", notice, migration)
    assert not await told.announce("shop", notice, migration)
    assert not await Events(cluster, "pod-2").announce("shop", notice, migration)
    (event,) = events(cluster)
    assert event["regarding"]["uid"] == migration.uid
