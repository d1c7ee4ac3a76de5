"""What is news, in whatever order watches, lists and the answers to own writes come."""

from collections.abc import AsyncIterator, Callable

import pytest

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key, versions
from alembic_operator.kube.cluster import JOBS, MIGRATIONS
from tests.unit.kube.caches import filled
from tests.unit.kube.objects import a_job, a_migration, each

USERS = Key("shop", "users")


def names(cache: Cache) -> list[str]:
    return sorted(one.name for one in cache.jobs(USERS))


async def meanwhile(listed: list[Manifest], happens: Callable[[], object]) -> AsyncIterator[Manifest]:
    """Give a list whose pages were read before something happened."""
    happens()
    for raw in listed:
        yield raw


def test_the_late_answer_to_a_write_does_not_bring_a_deleted_migration_back() -> None:
    cache = filled((MIGRATIONS, a_migration(version=3)))
    cache.drop(MIGRATIONS, a_migration(version=5))
    assert cache.put(MIGRATIONS, a_migration(version=4)) == set()
    assert cache.migration(USERS) is None
    assert cache.put(MIGRATIONS, a_migration(version=6)) == {USERS}


def test_the_late_end_of_an_earlier_object_does_not_take_the_new_one_of_its_name() -> None:
    cache = filled((JOBS, a_job(version=7)))
    assert cache.drop(JOBS, a_job(version=5)) == set()
    assert names(cache) == ["users-1"]


async def test_a_late_item_of_a_list_does_not_bring_a_deleted_object_back() -> None:
    cache = filled((JOBS, a_job("users-1", version=5)))
    listed = [a_job("users-1", version=5), a_job("users-2", version=4)]
    await cache.replace(JOBS, None, meanwhile(listed, lambda: cache.drop(JOBS, a_job("users-1", version=9))))
    assert names(cache) == ["users-2"]


async def test_a_list_does_not_forget_what_came_while_it_was_on_its_way() -> None:
    cache = filled((JOBS, a_job("users-1", version=1)))

    def happens() -> None:
        cache.put(JOBS, a_job("users-2", version=9))
        cache.drop(JOBS, a_job("users-1", version=10))
        cache.put(JOBS, a_job("users-1", version=11))

    assert await cache.replace(JOBS, None, meanwhile([], happens)) == set()
    assert names(cache) == ["users-1", "users-2"]


async def test_a_list_does_not_take_back_what_is_newer_than_it() -> None:
    cache = filled((JOBS, a_job(version=5)))
    newer = a_job(version=9, startTime="2026-03-01T12:00:00Z")
    await cache.replace(JOBS, None, meanwhile([a_job(version=5)], lambda: cache.put(JOBS, newer)))
    assert [one.started_at for one in cache.jobs(USERS)] == ["2026-03-01T12:00:00Z"]


async def test_after_a_restored_backup_a_list_is_believed_although_its_versions_are_older() -> None:
    cache = filled((JOBS, a_job("users-1", version=50)), (MIGRATIONS, a_migration(version=60, suspend=True)))
    cache.drop(JOBS, a_job("users-2", version=55))
    restored = [a_job("users-1", version=7, startTime="2026-03-01T12:00:00Z"), a_job("users-2", version=8)]
    assert await cache.replace(JOBS, None, each(restored)) == {USERS}
    assert names(cache) == ["users-1", "users-2"]
    assert await cache.replace(MIGRATIONS, None, each([a_migration(version=9)])) == {USERS}
    assert cache.put(MIGRATIONS, a_migration(version=10, suspend=True)) == {USERS}


async def test_a_list_that_breaks_off_forgets_nothing() -> None:
    cache = filled((JOBS, a_job("users-1")), (JOBS, a_job("users-2")))

    async def broken() -> AsyncIterator[Manifest]:
        yield a_job("users-1")
        raise OSError

    with pytest.raises(OSError):  # noqa: PT011  it has no words
        await cache.replace(JOBS, None, broken())
    assert names(cache) == ["users-1", "users-2"]
    assert cache._versions._lists == []


def test_of_deletions_a_limited_number_is_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "_GONE", 10)
    cache = Cache()
    for number in range(30):
        cache.drop(JOBS, a_job(f"users-{number}", version=100 + number))
    assert len(cache._versions._gone) == 10
    cache.put(JOBS, a_job("users-29", version=1))
    assert names(cache) == []


@pytest.mark.parametrize("written", ["", "9" * 5000, "1a", "-1", None, 7])
def test_a_version_that_is_no_number_is_older_than_any(written: object) -> None:
    raw = a_job()
    raw["metadata"]["resourceVersion"] = written
    cache = filled((JOBS, raw))
    assert names(cache) == ["users-1"]
    assert cache.put(JOBS, a_job(version=1, startTime="2026-03-01T12:00:00Z")) == {USERS}


def test_a_migration_that_the_api_server_does_not_know_is_forgotten_and_no_late_news_bring_it_back() -> None:
    cache = filled((MIGRATIONS, a_migration(version=5)))
    cache.lose(USERS)
    assert cache.put(MIGRATIONS, a_migration(version=5)) == set()
    assert cache.migration(USERS) is None
    assert cache.put(MIGRATIONS, a_migration(version=6)) == {USERS}
