"""Observe, plan, apply and report together, on the in-memory twin of a cluster."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from alembic_operator.api.status import Status
from alembic_operator.contract import Result
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import CONFIG_MAPS, DEPLOYMENTS, EVENTS, JOBS, MIGRATIONS, PODS
from alembic_operator.kube.errors import (
    ApiError,
    InvalidError,
    LeaseLostError,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from alembic_operator.kube.events import Events
from alembic_operator.kube.observe import Observer
from alembic_operator.shell.reconcile import Reconciler
from tests.unit.core.builders import LOCKED, UP_TO_DATE
from tests.unit.kube.objects import OPERATOR_LABEL, a_gated_workload, a_migration, a_runner_config_map, depends_on, each
from tests.unit.kube.twin import Twin

Logs = Sequence[Mapping[str, Any]]

USERS = Key("shop", "users")
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WRITE_STATUS, CREATE_JOB, DELETE_JOB = ("apply", "databasemigrations"), ("create", "jobs"), ("delete", "jobs")
EVENT = ("create", "events")


class Shop:
    """A cluster with one migration, and an operator that looks at it."""

    def __init__(self, **spec: object) -> None:
        self.cluster, self.cache = Twin(), Cache()
        runner_config_map = a_runner_config_map(self.cache)
        self.cluster.store(CONFIG_MAPS, runner_config_map.manifest("shop"))
        self.woken: list[Key] = []
        self.now = NOW
        self.reconciler = Reconciler(
            cluster=self.cluster,
            cache=self.cache,
            observer=Observer(self.cluster, self.cache, runner_config_map, "operator:1"),
            runner_config_map=runner_config_map,
            wake=self.woken.extend,
            clock=lambda: self.now,
            events=Events(self.cluster, "pod-1"),
        )
        self.change(**spec)

    async def deploy(self, image: str) -> None:
        """Give Deployment web an image, and look."""
        template = {"spec": {"containers": [{"name": "app", "image": image}]}}
        workload = {"metadata": {"name": "web", "namespace": "shop"}, "spec": {"template": template}}
        self.cache.put(DEPLOYMENTS, self.cluster.store(DEPLOYMENTS, workload))
        await self.look()

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
    def message(self) -> str:
        return self.status.conditions[0].message

    @property
    def jobs(self) -> list[Manifest]:
        return [raw for (resource, *_), raw in self.cluster.objects.items() if resource == JOBS]

    def end(self, exit_code: int, result: Result) -> None:
        """Let the newest Job and its pod end, and the watches tell."""
        job, name = self.jobs[-1], self.jobs[-1]["metadata"]["name"]
        state = {"terminated": {"exitCode": exit_code, "message": result.to_json()}}
        labels = OPERATOR_LABEL | {"alembic-operator.dev/run": "users"}
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": name,
            "uid": job["metadata"]["uid"],
            "controller": True,
        }
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


REFUSALS = {InvalidError: ("JobInvalid", None), RefusedError: ("JobForbidden", 2)}


@pytest.mark.parametrize("error", REFUSALS)
async def test_a_refused_job_is_told_and_asked_for_again_without_another_word(
    shop: Shop, error: type[RefusedError]
) -> None:
    reason, after = REFUSALS[error]
    shop.cluster.answers["create", JOBS] = error(422, "No", "it must not")
    assert await shop.look() == [CREATE_JOB, WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == (reason, after)
    assert "it must not" in shop.message
    assert await shop.look() == [CREATE_JOB]
    del shop.cluster.answers["create", JOBS]
    await shop.look()
    assert shop.reason == "Pending"


BRING = ("apply", "configmaps")


async def test_a_refused_runner_is_not_called_a_job(shop: Shop) -> None:
    del shop.cluster.objects[CONFIG_MAPS, "shop", "alembic-operator-runner"]
    shop.cluster.answers["apply", CONFIG_MAPS] = InvalidError(422, "Invalid", "no binaryData here")
    assert await shop.look() == [BRING, WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == ("RunnerForbidden", 2)
    assert shop.message == "ConfigMap alembic-operator-runner is not admitted: no binaryData here"
    assert await shop.look() == [BRING]
    del shop.cluster.answers["apply", CONFIG_MAPS]
    assert CREATE_JOB in await shop.look()
    assert shop.reason == "Pending"


async def test_a_refused_runner_takes_nothing_back_and_is_told_once(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    shop.cache.drop(CONFIG_MAPS, shop.cluster.objects.pop((CONFIG_MAPS, "shop", "alembic-operator-runner")))
    shop.cluster.answers["apply", CONFIG_MAPS] = RefusedError(403, "Forbidden", "quota")
    assert await shop.look() == [BRING, EVENT]
    assert shop.reason == "UpToDate"
    assert await shop.look() == [BRING]
    (event,) = [one for one in events(shop) if one["regarding"]["kind"] == "ConfigMap"]
    assert event["note"] == "ConfigMap alembic-operator-runner is not admitted: quota"


async def test_a_refused_job_of_a_ready_migration_takes_ready_back_first(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    shop.change(alembic={"target": "b2"})
    shop.cluster.answers["create", JOBS] = InvalidError(422, "Invalid", "no")
    assert await shop.look() == [WRITE_STATUS, CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "JobInvalid"


async def test_an_event_that_cannot_be_written_stops_nothing(shop: Shop, logs: Logs) -> None:
    shop.cluster.answers["create", EVENTS] = RefusedError(403, "Forbidden", "no events here")
    await shop.look()
    assert shop.reason == "Pending"
    assert ("event not written", "no events here") in [(one["event"], one.get("message")) for one in logs]


WEBHOOK_DOWN = ApiError(500, "InternalError", 'failed calling webhook "x"')
FAILS = "the operator cannot create jobs: {} (500 InternalError); it is tried again, at least once a minute"


async def fail(shop: Shop, *, seconds: float = 1, kind: type[Exception] = ApiError) -> list[tuple[str, str]]:
    """Look and fail, and let some time pass before that."""
    shop.now += timedelta(seconds=seconds)
    with pytest.raises(kind):
        await shop.look()
    return list(shop.cluster.calls)


async def test_a_failure_that_passes_writes_nothing_and_one_that_stays_is_told_once(shop: Shop, logs: Logs) -> None:
    shop.cluster.answers["create", JOBS] = WEBHOOK_DOWN
    assert await fail(shop, seconds=0) == [CREATE_JOB]
    assert await fail(shop) == [CREATE_JOB]
    assert await fail(shop) == [CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "ApiServerRefuses"
    assert shop.message == "since 2026-03-01T12:00:00Z " + FAILS.format('failed calling webhook "x"')
    assert [one["note"] for one in events(shop)] == [f"ApiServerRefuses: {shop.message}"]
    shop.cluster.answers["create", JOBS] = ApiError(500, "InternalError", "the same with another port")
    for _ in range(20):
        assert await fail(shop) == [CREATE_JOB]
    assert [(one["event"], one["message"]) for one in logs if one["event"] == "api server refused"] == [
        ("api server refused", 'failed calling webhook "x"')
    ]
    del shop.cluster.answers["create", JOBS]
    assert await shop.look() == [CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "Pending"


async def test_a_failure_of_another_kind_is_told_some_seconds_later_with_the_first_time(shop: Shop) -> None:
    shop.cluster.answers["create", JOBS] = WEBHOOK_DOWN
    for _ in range(4):
        await fail(shop)
    shop.cluster.answers["create", JOBS] = UnreachableError(0, "TimeoutError", "")
    assert await fail(shop) == [CREATE_JOB]
    assert await fail(shop, seconds=10) == [CREATE_JOB, WRITE_STATUS]
    assert shop.message.startswith(
        "since 2026-03-01T12:00:01Z the operator cannot create jobs: no answer (TimeoutError)"
    )
    assert len(events(shop)) == 1


async def test_a_job_that_was_told_of_and_not_made_is_taken_back_at_once(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    shop.change(alembic={"target": "b2"})
    shop.cluster.answers["create", JOBS] = WEBHOOK_DOWN
    assert await fail(shop) == [WRITE_STATUS, CREATE_JOB, WRITE_STATUS, EVENT]
    assert shop.reason == "ApiServerRefuses"
    assert len(shop.jobs) == 1
    assert [one["reason"] for one in events(shop)] == ["Started", "Succeeded", "Held"]
    assert await fail(shop) == [CREATE_JOB]
    del shop.cluster.answers["create", JOBS]
    await shop.look()
    assert (shop.reason, len(shop.jobs)) == ("Pending", 2)


async def test_what_is_known_of_the_database_stays_while_the_api_server_fails(shop: Shop) -> None:
    await shop.look()
    shop.end(0, UP_TO_DATE)
    await shop.look()
    before = shop.status
    shop.change(source={"configMapRef": {"name": "project"}})
    shop.cluster.answers["get", CONFIG_MAPS] = RefusedError(403, "Forbidden", "may not get configmaps")
    for _ in range(4):
        await fail(shop)
    assert shop.reason == "ApiServerRefuses"
    assert "cannot get configmaps: may not get configmaps (403 Forbidden)" in shop.message
    assert (shop.status.last_run, shop.status.revisions) == (before.last_run, before.revisions)
    assert shop.status.observed_generation == before.observed_generation + 1


async def test_a_deletion_that_is_refused_is_no_refused_job(shop: Shop) -> None:
    await shop.look()
    shop.end(75, LOCKED)
    await shop.look()
    shop.now += timedelta(seconds=60)
    shop.cluster.answers["delete", JOBS] = RefusedError(403, "Forbidden", "Jobs are kept here")
    for _ in range(4):
        await fail(shop)
    assert shop.reason == "ApiServerRefuses"
    assert "the operator cannot delete jobs: Jobs are kept here (403 Forbidden)" in shop.message


class SecretError(Exception):
    pass


async def test_a_fault_of_the_operator_is_told_by_its_name_alone(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, logs: Logs
) -> None:
    def wrong(_: object) -> None:
        raise SecretError("password=hunter2")

    monkeypatch.setattr("alembic_operator.shell.reconcile.plan", wrong)
    for _ in range(4):
        await fail(shop, kind=SecretError)
    assert shop.reason == "OperatorFailed"
    assert "the operator fails on this object (SecretError)" in shop.message
    assert "hunter2" not in str(shop.cluster.objects)
    assert [one["event"] for one in logs if one["log_level"] == "error"] == ["reconcile failed"]
    monkeypatch.undo()
    await shop.look()
    assert shop.reason == "Pending"


async def test_a_status_that_cannot_be_written_is_said_once_in_an_event_and_in_the_log(shop: Shop, logs: Logs) -> None:
    shop.cluster.answers["apply", MIGRATIONS] = RefusedError(403, "Forbidden", "nobody writes here")
    for _ in range(9):
        await fail(shop)
    assert "status" not in shop.cluster.objects[MIGRATIONS, *USERS]
    assert [one["note"][:60] for one in events(shop)] == [
        "its status cannot be written: nobody writes here; since 2026"
    ]
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == [
        "api server refused",
        "status not written",
    ]
    del shop.cluster.answers["apply", MIGRATIONS]
    await shop.look()
    assert shop.reason == "Pending"


async def test_an_api_server_that_does_not_answer_at_all_is_not_asked_for_an_event(shop: Shop) -> None:
    for asked in (("create", JOBS), ("apply", MIGRATIONS)):
        shop.cluster.answers[asked] = UnreachableError(0, "ClientConnectorError", "refused")
    for _ in range(9):
        await fail(shop)
    assert events(shop) == []


async def test_a_lease_that_is_lost_is_nobodys_failure(shop: Shop) -> None:
    shop.cluster.answers["create", JOBS] = LeaseLostError()
    for _ in range(9):
        await fail(shop, kind=LeaseLostError)
    assert "status" not in shop.cluster.objects[MIGRATIONS, *USERS]


async def test_of_a_migration_that_went_while_the_api_server_failed_nothing_is_remembered(shop: Shop) -> None:
    shop.cluster.answers["create", JOBS] = WEBHOOK_DOWN
    await fail(shop)
    shop.cache.drop(MIGRATIONS, shop.cluster.objects[MIGRATIONS, *USERS])
    await shop.look()
    shop.change()
    assert await fail(shop, seconds=9) == [CREATE_JOB]


async def test_a_refusal_of_any_length_is_told(shop: Shop) -> None:
    shop.cluster.answers["create", JOBS] = RefusedError(403, "Forbidden", "x\ud800" * 40_000)
    await shop.look()
    assert shop.reason == "JobForbidden"
    assert 900 < len(shop.message) < 1100
    assert shop.message.encode()


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


async def bare(shop: Shop, **metadata: Any) -> tuple[str, str]:
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
    name, _ = await bare(shop)
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
    await bare(shop)
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
    name, _ = await bare(shop, ownerReferences=[owner | {"controller": True}])
    assert await shop.look() == [CREATE_JOB, ("get", "jobs"), WRITE_STATUS, EVENT]
    assert (shop.reason, shop.after) == ("WaitingForPreviousJob", 60)
    assert (
        shop.message == f"Job {name} belongs to a deleted migration of the same name; a new one starts when it is gone"
    )


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
