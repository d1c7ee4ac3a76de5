"""What a workload that changes or waits brings about."""

from datetime import timedelta

from alembic_operator.kube.cluster import DEPLOYMENTS, MIGRATIONS
from tests.unit.core.builders import UP_TO_DATE
from tests.unit.kube.objects import a_gated_workload
from tests.unit.shell.shop import EVENT, USERS, Shop, events


async def test_a_workload_that_asks_for_no_migration_is_warned_of_once_after_some_seconds(shop: Shop) -> None:
    shop.cache.drop(MIGRATIONS, shop.cluster.objects[MIGRATIONS, *USERS])
    shop.cache.put(DEPLOYMENTS, a_gated_workload(version=200))
    assert (await shop.look(), shop.after) == ([], 10)
    shop.now += timedelta(seconds=6)
    assert (await shop.look(), shop.after) == ([], 4)
    shop.now += timedelta(seconds=4)
    assert (await shop.look(), shop.after) == ([EVENT], None)
    assert await shop.look() == []
    (event,) = events(shop)
    assert (event["reason"], event["type"], event["regarding"]["kind"]) == ("RolloutAtRisk", "Warning", "Deployment")


async def test_a_workload_whose_migration_comes_in_time_is_not_warned_of(shop: Shop) -> None:
    raw = shop.cluster.objects[MIGRATIONS, *USERS]
    shop.cache.drop(MIGRATIONS, raw)
    shop.cache.put(DEPLOYMENTS, a_gated_workload(version=200, progressDeadlineSeconds=7200))
    await shop.look()
    shop.now += timedelta(seconds=9)
    again = raw | {"metadata": raw["metadata"] | {"resourceVersion": "300"}}
    shop.cache.put(MIGRATIONS, again)
    await shop.look()
    shop.cache.drop(MIGRATIONS, again)
    shop.now += timedelta(seconds=9)
    await shop.look()
    assert [one["reason"] for one in events(shop)] == ["Started"]
    shop.cache.drop(DEPLOYMENTS, a_gated_workload(version=201))
    await shop.look()
    assert shop.reconciler.missed == {}


async def test_a_changed_workload_is_acted_on_after_its_settling_time_or_with_its_migration() -> None:
    shop = Shop(source={"workloadRef": {"name": "web"}})

    async def finish() -> None:
        shop.end(0, UP_TO_DATE)
        await shop.look()
        assert shop.reason == "UpToDate"

    await shop.deploy("users:1")
    await finish()
    await shop.deploy("users:2")
    assert (len(shop.jobs), shop.reason, shop.after) == (1, "Settling", 2)
    shop.now += timedelta(seconds=2)
    await shop.look()
    assert len(shop.jobs) == 2
    shop.now += timedelta(seconds=2)
    await finish()
    await shop.deploy("users:3")
    assert (len(shop.jobs), shop.reason) == (2, "Settling")
    shop.change(alembic={"target": "b2"})
    await shop.look()
    assert len(shop.jobs) == 3


async def test_a_change_that_the_watch_has_still_to_tell_of_is_not_overlooked_when_a_workload_has_settled() -> None:
    shop = Shop(source={"workloadRef": {"name": "web"}})

    await shop.deploy("users:1")
    shop.end(0, UP_TO_DATE)
    await shop.look()
    await shop.deploy("users:2")
    assert shop.reason == "Settling"
    raw = shop.cluster.objects[MIGRATIONS, *USERS]
    changed = {"metadata": raw["metadata"] | {"generation": 9}, "spec": raw["spec"] | {"suspend": True}}
    shop.cluster.store(MIGRATIONS, raw | changed)  # and the cache hears nothing of it
    shop.now += timedelta(seconds=2)
    await shop.look()
    assert (len(shop.jobs), shop.after) == (1, 0.0)
    await shop.look()
    assert (len(shop.jobs), shop.reason) == (1, "Suspended")
