"""Observe, plan, apply and report together, on the in-memory twin of a cluster."""

from datetime import timedelta

from alembic_operator.kube.cache import Key
from alembic_operator.kube.cluster import JOBS, MIGRATIONS
from alembic_operator.kube.errors import NotFoundError
from tests.unit.core.builders import LOCKED, UP_TO_DATE
from tests.unit.kube.objects import a_migration, depends_on, each
from tests.unit.shell.shop import CREATE_JOB, DELETE_JOB, EVENT, USERS, WRITE_STATUS, Shop


async def test_a_new_migration_gets_its_job_then_its_status_then_an_event(shop: Shop) -> None:
    assert await shop.look() == [CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "Pending"
    assert len(shop.jobs) == 1


async def test_a_second_look_asks_for_nothing(shop: Shop) -> None:
    await shop.look()
    assert await shop.look() == []


async def test_a_migration_that_is_gone_asks_for_nothing(shop: Shop) -> None:
    shop.cache.drop(MIGRATIONS, a_migration(version=200))
    assert await shop.look() == []
    assert shop.after is None


async def test_of_a_migration_that_went_meanwhile_nothing_more_is_told_or_done(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    shop.cluster.answers["apply", MIGRATIONS] = NotFoundError(404, "NotFound", "gone")
    assert await shop.look() == [WRITE_STATUS]
    del shop.cluster.answers["apply", MIGRATIONS]
    shop.change()
    await shop.look()
    shop.change(alembic={"target": "b2"})
    shop.cluster.answers["apply", MIGRATIONS] = NotFoundError(404, "NotFound", "gone")
    assert await shop.look() == [WRITE_STATUS]
    assert shop.after is None


async def test_a_run_that_ended_is_one_status_and_one_event(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    assert await shop.look() == [WRITE_STATUS, EVENT]
    assert shop.reason == "UpToDate"
    assert await shop.look() == []


async def test_ready_is_taken_back_before_the_next_job_is_created(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    shop.change(alembic={"target": "b2"})
    assert await shop.look() == [WRITE_STATUS, CREATE_JOB, EVENT]
    assert shop.reason == "Pending"


async def test_a_failed_run_is_made_anew_when_its_time_has_come(shop: Shop) -> None:
    await shop.look()
    shop.end(75, LOCKED)
    await shop.look()
    assert shop.after == 60
    shop.now += timedelta(seconds=60)
    assert DELETE_JOB in await shop.look()
    await shop.forget_jobs()
    assert CREATE_JOB in await shop.look()
    assert shop.jobs[-1]["metadata"]["annotations"] == {"alembic-operator.dev/attempt": "2"}


async def test_those_that_depend_on_it_are_woken_by_its_status(shop: Shop) -> None:
    shop.cache.put(MIGRATIONS, a_migration("chat", **depends_on("users")))
    await shop.look()
    assert shop.woken == []
    shop.end(0, UP_TO_DATE)
    await shop.look()
    assert shop.woken == [Key("shop", "chat")]


async def test_an_operator_that_lost_its_memory_adopts_the_job(shop: Shop) -> None:
    await shop.look()
    name = shop.jobs[0]["metadata"]["name"]
    await shop.cache.replace(JOBS, None, each([]))
    assert await shop.look() == [WRITE_STATUS, CREATE_JOB, ("get", "jobs"), EVENT]
    assert [raw["metadata"]["name"] for raw in shop.jobs] == [name]
    assert await shop.look() == []


async def test_a_migration_whose_deletion_was_never_told_has_its_job_made_no_second_time(shop: Shop) -> None:
    await shop.look()
    (job,) = shop.jobs
    for resource, name in ((MIGRATIONS, "users"), (JOBS, job["metadata"]["name"])):  # by the garbage collector
        del shop.cluster.objects[resource, "shop", name]
    gone = job["metadata"] | {"resourceVersion": "300"}
    assert shop.cache.drop(JOBS, job | {"metadata": gone}) == {USERS}
    assert await shop.look() == [WRITE_STATUS]
    assert shop.cache.keys() == []
    assert await shop.look() == []
