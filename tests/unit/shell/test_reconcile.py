"""Observe, plan, apply and report together, on the in-memory twin of a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from alembic_operator.api.status import Status
from alembic_operator.contract import Result
from alembic_operator.core.observation import Manifest
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, DEPLOYMENTS, EVENTS, JOBS, MIGRATIONS, PODS
from alembic_operator.kube.errors import ApiError, NotFoundError, RefusedError
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer
from alembic_operator.shell.reconcile import Reconciler
from tests.unit.core.builders import LOCKED, UP_TO_DATE
from tests.unit.kube.objects import OPERATOR_LABEL, a_gated_workload, a_migration, an_archive, depends_on, each
from tests.unit.kube.twin import Twin

Logs = Sequence[Mapping[str, Any]]

USERS = Key("shop", "users")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITE_STATUS, CREATE_JOB, DELETE_JOB = ("apply", "databasemigrations"), ("create", "jobs"), ("delete", "jobs")
EVENT = ("create", "events")


class Shop:
    """A cluster with one migration, and an operator that looks at it."""

    def __init__(self, **spec: object) -> None:
        self.cluster, self.cache, archive = Twin(), Cache(), an_archive()
        self.cluster.store(CONFIG_MAPS, archive.manifest("shop"))
        self.woken: list[Key] = []
        self.now = NOW
        self.reconciler = Reconciler(
            cluster=self.cluster,
            cache=self.cache,
            observer=Observer(self.cluster, self.cache, archive, "operator:1"),
            archive=archive,
            wake=self.woken.extend,
            clock=lambda: self.now,
            events=Events(self.cluster, "pod-1"),
        )
        self.change(**spec)

    def change(self, **spec: object) -> None:
        before = self.cluster.objects.get((MIGRATIONS, *USERS), a_migration())
        raw = before | {"spec": before["spec"] | spec}
        raw["metadata"] = raw["metadata"] | {"generation": before["metadata"]["generation"] + 1}
        self.cache.put(MIGRATIONS, self.cluster.store(MIGRATIONS, raw))

    async def look(self) -> list[tuple[str, str]]:
        """Reconcile, and return what was asked of the cluster."""
        self.cluster.calls.clear()
        self.after = await self.reconciler.reconcile(USERS)
        return list(self.cluster.calls)

    @property
    def status(self) -> Status:
        return Status.model_validate(self.cluster.objects[MIGRATIONS, *USERS]["status"])

    @property
    def reason(self) -> str:
        return self.status.conditions[0].reason

    @property
    def jobs(self) -> list[Manifest]:
        return [raw for (resource, *_), raw in self.cluster.objects.items() if resource == JOBS]

    def end(self, exit_code: int, result: Result) -> None:
        """Let the newest Job and its pod end, and the watches tell."""
        job, name = self.jobs[-1], self.jobs[-1]["metadata"]["name"]
        state = {"terminated": {"exitCode": exit_code, "message": result.to_json()}}
        labels = OPERATOR_LABEL | {"alembic-operator.dev/run": "users"}
        owner = {"kind": "Job", "name": name, "uid": "j", "controller": True}
        pod = {
            "metadata": {"name": f"{name}-x", "namespace": "shop", "labels": labels, "ownerReferences": [owner]},
            "status": {
                "phase": "Failed" if exit_code else "Succeeded",
                "containerStatuses": [{"name": "migrate", "state": state}],
            },
        }
        at = self.now.strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Failed" if exit_code else "Complete", "status": "True", "lastTransitionTime": at}
        self.cache.put(PODS, self.cluster.store(PODS, pod))
        self.cache.put(JOBS, self.cluster.store(JOBS, job | {"status": {"startTime": at, "conditions": [condition]}}))

    async def forget_jobs(self) -> None:
        """Let the watches tell what was deleted."""
        await self.cache.replace(JOBS, None, self.cluster.list(JOBS, "shop"))
        for resource, namespace, name in list(self.cluster.objects):
            if resource == PODS:
                self.cache.drop(PODS, self.cluster.objects.pop((resource, namespace, name)))


@pytest.fixture(autouse=True)
def logs() -> Iterator[Logs]:
    with capture_logs() as events:
        yield events


@pytest.fixture
def shop() -> Shop:
    return Shop()


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


REFUSALS = {422: ("JobInvalid", None), 403: ("JobForbidden", 2), 400: ("JobInvalid", None)}


@pytest.mark.parametrize("status", REFUSALS)
async def test_a_refused_job_is_told_and_asked_for_again_without_another_word(shop: Shop, status: int) -> None:
    reason, after = REFUSALS[status]
    shop.cluster.answers["create", JOBS] = RefusedError(status, "No", "it must not")
    assert await shop.look() == [CREATE_JOB, WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == (reason, after)
    assert "it must not" in shop.status.conditions[0].message
    assert await shop.look() == [CREATE_JOB]
    del shop.cluster.answers["create", JOBS]
    await shop.look()
    assert shop.reason == "Pending"


async def test_a_refused_job_of_a_ready_migration_takes_ready_back_first(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    shop.change(alembic={"target": "b2"})
    shop.cluster.answers["create", JOBS] = RefusedError(422, "Invalid", "no")
    assert await shop.look() == [WRITE_STATUS, CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "JobInvalid"


async def test_an_event_that_cannot_be_written_stops_nothing(shop: Shop, logs: Logs) -> None:
    shop.cluster.answers["create", EVENTS] = RefusedError(403, "Forbidden", "no events here")
    await shop.look()
    assert shop.reason == "Pending"
    assert ("event not written", "no events here") in [(one["event"], one.get("message")) for one in logs]


async def test_an_api_server_that_fails_is_logged_and_left_to_the_queue(shop: Shop, logs: Logs) -> None:
    shop.cluster.answers["create", JOBS] = ApiError(500, "InternalError", "etcd is away")
    with pytest.raises(ApiError):
        await shop.look()
    assert "status" not in shop.cluster.objects[MIGRATIONS, *USERS]
    assert [(one["event"], one["message"]) for one in logs] == [("api server refused", "etcd is away")]


async def test_a_status_that_is_refused_is_no_refused_job(shop: Shop) -> None:
    shop.cluster.answers["apply", MIGRATIONS] = RefusedError(422, "Invalid", "no")
    with pytest.raises(RefusedError):
        await shop.look()
    assert len(shop.jobs) == 1


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
    assert await shop.look() == [CREATE_JOB, ("get", "jobs"), EVENT]
    assert [raw["metadata"]["name"] for raw in shop.jobs] == [name]
    assert await shop.look() == []


def events(shop: Shop) -> list[Manifest]:
    return [raw for (resource, *_), raw in shop.cluster.objects.items() if resource == EVENTS]


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
