"""A Job of somebody else under the name of a migration's own."""

from datetime import timedelta
from typing import Any

from alembic_operator.kube.cluster import JOBS, MIGRATIONS
from tests.unit.core.builders import LOCKED
from tests.unit.shell.shop import CREATE_JOB, DELETE_JOB, EVENT, USERS, WRITE_STATUS, Shop


async def take_the_name(shop: Shop, **metadata: Any) -> tuple[str, str]:
    """Leave a Job of somebody else under the name that the migration's own would have, which no watch tells of."""
    await shop.look()
    (job,) = shop.jobs
    name, uid = job["metadata"]["name"], job["metadata"]["uid"]
    shop.cache.drop(JOBS, job)
    shop.cluster.store(JOBS, job | {"metadata": {"name": name, "namespace": "shop", "uid": uid} | metadata})
    shop.cluster.objects[MIGRATIONS, *USERS].pop("status")
    shop.change()
    return name, uid


async def test_a_name_that_somebody_else_took_is_left_to_him_and_another_one_is_kept(shop: Shop) -> None:
    name, _ = await take_the_name(shop)
    assert await shop.look() == [CREATE_JOB, ("get", "jobs"), CREATE_JOB, WRITE_STATUS, EVENT]
    foreign, own = shop.jobs
    assert (foreign["metadata"]["name"], own["metadata"]["labels"]["alembic-operator.dev/run"]) == (name, "users")
    assert shop.message == f"Job {own['metadata']['name']} was created; its pod has not started yet"
    assert await shop.look() == []
    shop.end(75, LOCKED)
    await shop.look()
    shop.now += timedelta(seconds=60)
    assert DELETE_JOB in await shop.look()
    await shop.forget_jobs()
    assert (await shop.look())[:2] == [CREATE_JOB, WRITE_STATUS]
    assert [one["metadata"]["name"] for one in shop.jobs] == [name, own["metadata"]["name"]]


async def test_both_names_that_somebody_else_took_are_told_with_what_to_do(shop: Shop) -> None:
    await take_the_name(shop)
    await shop.look()
    own = shop.jobs[1]
    shop.cache.drop(JOBS, own)
    shop.cluster.store(JOBS, own | {"metadata": own["metadata"] | {"ownerReferences": []}})
    shop.cluster.objects[MIGRATIONS, *USERS].pop("status")
    shop.change()
    assert await shop.look() == [CREATE_JOB, ("get", "jobs"), CREATE_JOB, ("get", "jobs"), WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == ("WaitingForPreviousJob", 60)
    name = own["metadata"]["name"]
    assert shop.message.endswith(f"does not belong to it; kubectl delete job {name} --namespace shop")
    shop.cluster.objects.pop((JOBS, "shop", name))
    await shop.look()
    assert (shop.reason, shop.jobs[1]["metadata"]["name"]) == ("Pending", name)


async def test_a_job_of_a_deleted_migration_of_the_same_name_is_waited_for_also_unseen(shop: Shop) -> None:
    owner = {"apiVersion": "alembic-operator.dev/v1alpha1", "kind": "DatabaseMigration", "name": "users", "uid": "old"}
    name, _ = await take_the_name(shop, ownerReferences=[owner | {"controller": True}])
    assert await shop.look() == [CREATE_JOB, ("get", "jobs"), WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == ("WaitingForPreviousJob", 60)
    assert (
        shop.message == f"Job {name} belongs to a deleted migration of the same name; a new one starts when it is gone"
    )
