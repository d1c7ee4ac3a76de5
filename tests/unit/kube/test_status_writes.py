"""How a status is written."""

from datetime import timedelta

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import Status
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.status.conditions import conditions
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import MIGRATIONS, Resource
from alembic_operator.kube.errors import (
    ApiError,
    ConflictError,
    NotFoundError,
)
from alembic_operator.kube.report import report, without
from tests.unit.core.builders import NOW
from tests.unit.core.life import Life
from tests.unit.kube.objects import a_migration, depends_on
from tests.unit.kube.twin import Twin, a_known_migration

USERS, CHAT = Key("shop", "users"), Key("shop", "chat")


def a_status(reason: Reason = Reason.PENDING) -> Status:
    return Status(observed_generation=1, conditions=conditions((), reason, "created", generation=1, now=NOW))


async def test_a_status_is_written_once_and_known_at_once() -> None:
    cluster, cache = Twin(), Cache()
    migration = a_known_migration(cluster, cache)
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
    migration = a_known_migration(cluster, cache)
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

    await report(a_known_migration(cluster, cache), a_status(), Listening(), cache)
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
    migration = a_known_migration(cluster, cache)
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
    migration = a_known_migration(cluster, cache)
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
    await report(a_known_migration(cluster, cache), status, cluster, cache)
    raw = cache.migration(USERS)
    assert raw is not None
    assert read_migration(raw).status == status


async def test_a_status_that_says_ready_wakes_those_that_depend_on_it_and_not_itself() -> None:
    cluster, cache = Twin(), Cache()
    cache.put(MIGRATIONS, a_migration("chat", **depends_on("users")))
    migration = a_known_migration(cluster, cache)
    assert await report(migration, a_status(), cluster, cache) == set()
    assert await report(migration, a_status(Reason.UP_TO_DATE), cluster, cache) == {CHAT}
    assert await report(migration, a_status(Reason.DATABASE_AHEAD), cluster, cache) == set()
    assert await report(migration, a_status(Reason.MIGRATING), cluster, cache) == {CHAT}


@pytest.mark.parametrize(
    "error", [NotFoundError(404, "NotFound", "gone"), ConflictError(409, "Conflict", "another")], ids=str
)
async def test_a_status_of_a_migration_that_is_gone_is_nobodys_concern(error: ApiError) -> None:
    cluster, cache = Twin(), Cache()
    migration = a_known_migration(cluster, cache)
    cluster.answers["apply", MIGRATIONS] = error
    assert await report(migration, a_status(), cluster, cache) is None
