"""A list, and a watch from there on; on a real API server see tests/api/test_operator_scope.py and others."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key, reflector
from alembic_operator.kube.cache.reflector import Reflector
from alembic_operator.kube.cluster import JOBS, Resource, Scope
from alembic_operator.kube.errors import ApiError, LeaseLostError, RefusedError, UnreachableError
from tests.unit.kube.objects import a_job, metadata
from tests.unit.kube.twin import Twin

USERS = Key("shop", "users")
LISTED, WATCHED = ("list", "jobs"), ("watch", "jobs")


class Notes:
    """A listener that writes down what it is told."""

    def __init__(self, cache: Cache) -> None:
        self.cache = cache
        self.changes: list[str] = []
        self.lists: list[set[Key]] = []
        self.errors: list[ApiError] = []

    def on_change(self, resource: Resource, event: Manifest) -> None:
        self.changes.append(event["type"])
        (self.cache.drop if event["type"] == "DELETED" else self.cache.put)(resource, event["object"])

    def on_list(self, scope: Scope, woken: set[Key]) -> None:
        assert scope.resource == JOBS
        self.lists.append(woken)

    def on_error(self, scope: Scope, error: ApiError) -> None:
        assert scope.resource == JOBS
        self.errors.append(error)


class World:
    """A cluster, and a reflector of its Jobs."""

    def __init__(self, namespace: str | None = None) -> None:
        self.cluster, self.cache = Twin((JOBS, a_job("users-1"))), Cache()
        self.notes = Notes(self.cache)
        self.reflector = Reflector(self.cluster, self.cache, Scope(JOBS, namespace), self.notes, Random(1))

    def happens(self, at: str, *events: Manifest) -> None:
        self.cluster.events[JOBS, None, at] = list(events)

    @property
    def jobs(self) -> list[str]:
        return sorted(one.name for one in self.cache.jobs(USERS))

    async def until(self, call: tuple[str, str], times: int) -> None:
        async with asyncio.timeout(1):
            while self.cluster.calls.count(call) < times:  # noqa: ASYNC110  the twin has no such event
                await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reflector, "_FIRST_PAUSE", 0.001)
    monkeypatch.setattr(reflector, "_LONGEST_PAUSE", 0.01)


@asynccontextmanager
async def reflecting(world: World) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(world.reflector.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def event(kind: str, raw: Manifest) -> Manifest:
    return {"type": kind, "object": raw}


def bookmark(version: int) -> Manifest:
    return event("BOOKMARK", {"metadata": metadata("", version)})


async def test_what_a_list_has_is_known_before_it_counts_as_settled() -> None:
    world = World()
    async with reflecting(world):
        await world.reflector.settled.wait()
        assert world.jobs == ["users-1"]
        assert world.notes.lists == [{USERS}]


async def test_changes_are_told_and_a_watch_that_ends_goes_on_where_it_was() -> None:
    world = World()
    world.happens("101", event("ADDED", a_job("users-2", 105)), bookmark(110))
    world.happens("110", event("DELETED", a_job("users-1", 111)), event("MODIFIED", a_job("users-2", 112)))
    async with reflecting(world):
        await world.until(WATCHED, 3)
    assert world.notes.changes == ["ADDED", "DELETED", "MODIFIED"]
    assert world.jobs == ["users-2"]
    assert world.cluster.calls.count(LISTED) == 1


async def test_a_watch_that_is_too_old_is_followed_by_a_list_that_finds_what_was_missed() -> None:
    world = World()
    gone = event("ERROR", {"kind": "Status", "code": 410, "message": "too old resource version"})
    world.happens("101", event("ADDED", a_job("users-2", 105)), gone, event("ADDED", a_job("users-3", 106)))
    async with reflecting(world):
        await world.until(LISTED, 2)
        await world.until(WATCHED, 2)
    assert world.jobs == ["users-1"]
    assert world.notes.errors == []


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_what_is_refused_is_settled_and_said_and_heals_by_itself(status: int) -> None:
    world, error = World(), RefusedError(status, "Forbidden", "jobs is forbidden")
    world.cluster.answers["list", JOBS] = error
    async with reflecting(world):
        await world.reflector.settled.wait()
        with pytest.raises(ApiError, match="jobs is forbidden"):
            world.cache.check_readable(USERS)
        del world.cluster.answers["list", JOBS]
        await world.until(WATCHED, 1)
        world.cache.check_readable(USERS)
    assert world.notes.errors[0] is error
    assert world.jobs == ["users-1"]


async def test_what_cannot_be_read_in_one_namespace_concerns_no_other() -> None:
    world = World("shop")
    world.cluster.answers["list", JOBS] = RefusedError(403, "Forbidden", "jobs is forbidden")
    async with reflecting(world):
        await world.reflector.settled.wait()
        world.cache.check_readable(Key("other", "users"))
        with pytest.raises(ApiError):
            world.cache.check_readable(USERS)


async def test_without_an_answer_it_waits_and_asks_again() -> None:
    world = World()
    world.cluster.answers["list", JOBS] = UnreachableError(0, "ClientConnectionError", "away")
    async with reflecting(world):
        await world.until(LISTED, 3)
        assert not world.reflector.settled.is_set()
        world.cache.check_readable(USERS)
        del world.cluster.answers["list", JOBS]
        await world.reflector.settled.wait()


@pytest.mark.parametrize(
    "error",
    [
        UnreachableError(0, "ClientPayloadError", "broken"),
        ApiError(429, "TooManyRequests", "busy"),
        ApiError(503, "ServiceUnavailable", "starting"),
    ],
    ids=str,
)
async def test_a_watch_that_breaks_goes_on_without_a_list(error: ApiError) -> None:
    world = World()
    world.cluster.answers["watch", JOBS] = error
    async with reflecting(world):
        await world.until(WATCHED, 3)
    assert world.cluster.calls.count(LISTED) == 1


async def test_a_watch_that_goes_on_after_an_error_says_so_once() -> None:
    world = World()
    world.cluster.answers["watch", JOBS] = UnreachableError(0, "ClientPayloadError", "broken")
    async with reflecting(world):
        await world.until(WATCHED, 2)
        world.happens("101", bookmark(110), bookmark(111))
        del world.cluster.answers["watch", JOBS]
        await world.until(WATCHED, len(world.notes.errors) + 2)
    assert world.notes.lists == [{USERS}, set()]


@pytest.mark.parametrize("status", [400, 403, 410])
async def test_a_watch_that_cannot_go_on_from_what_is_known_begins_with_a_list(status: int) -> None:
    world = World()
    world.cluster.answers["watch", JOBS] = ApiError(status, "", "no")
    async with reflecting(world):
        await world.until(LISTED, 3)


async def test_who_leads_no_longer_ends() -> None:
    world = World()
    world.cluster.answers["watch", JOBS] = LeaseLostError()
    async with reflecting(world) as task:
        with pytest.raises(LeaseLostError):
            await task
