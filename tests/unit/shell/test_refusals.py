"""What the API server refuses, for a moment or for good, is told once and tried again."""

from datetime import timedelta

import pytest

from alembic_operator.kube.cluster import CONFIG_MAPS, EVENTS, JOBS, MIGRATIONS
from alembic_operator.kube.errors import (
    ApiError,
    InvalidError,
    LeaseLostError,
    RefusedError,
    UnreachableError,
)
from tests.unit.core.builders import LOCKED, UP_TO_DATE
from tests.unit.shell.shop import CREATE_JOB, EVENT, USERS, WRITE_STATUS, Logs, Shop, events, fail

REFUSALS = {InvalidError: ("JobInvalid", None), RefusedError: ("JobForbidden", 2)}
BRING = ("apply", "configmaps")
WEBHOOK_DOWN = ApiError(500, "InternalError", 'failed calling webhook "x"')
FAILS = "the operator cannot create jobs: {} (500 InternalError); it is tried again, at least once a minute"


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
