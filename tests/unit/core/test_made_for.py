"""Which pods speak for a migration that pods run, and what is said of pods and Jobs of another strategy."""

from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    LOCKED,
    UP_TO_DATE,
    a_job,
    at,
    created,
    deleted,
    ended,
    name_of,
    ready,
    reason,
    running,
    seen,
    told,
    with_status,
)
from tests.unit.core.migrating_pods import RESTART, SPEC, a_gate, a_pod, at_work, by_pods, end, failed, lived, passed

OTHERS = {
    "another image": (a_gate(image="users:1.3"), "no pod has the image users:1.4 yet"),
    "another target": (a_gate(command=["python3", "runner", "upgrade", "--target=a1"]), RESTART),
    "another variable": (a_gate(env=[{"name": "PGHOST", "value": "elsewhere"}]), RESTART),
    "another working directory": (a_gate(command=["python3", "runner", "check"]), RESTART),
    "words that the runner does not know": (a_gate(command=["python3", "runner", "upgrade", "--no"]), RESTART),
}


@pytest.mark.parametrize(("gate", "said"), OTHERS.values(), ids=OTHERS)
def test_a_pod_that_was_made_for_something_else_does_not_speak(gate: dict[str, object], said: str) -> None:
    planned = plan(by_pods(a_pod("p1", gate, state=end(0, UP_TO_DATE, -9))))
    assert reason(planned) == "WaitingForPods"
    assert said in ready(planned).message


def test_the_words_of_a_gate_may_be_written_otherwise() -> None:
    spec = {"alembic": {"config": "db.ini", "xArguments": ["-a=1"]}, "policy": {"lockTimeout": "5s"}}
    command = ["/venv/bin/python", "/gate.pyz"]
    args = ["upgrade", "--lock-timeout", "5s", "-x-a=1", "--config=db.ini"]
    pod = a_pod("p1", a_gate(command=command, args=args), state=end(0, UP_TO_DATE, -9))
    assert reason(plan(by_pods(pod, spec=spec))) == "UpToDate"


def test_without_any_pod_the_workload_is_named() -> None:
    said = "Deployment users must have a pod with the label alembic-operator.dev/migration=users"
    assert said in ready(plan(by_pods())).message


def test_pods_that_only_wait_are_told_of_where_nobody_migrates() -> None:
    waits = a_gate(command=["python3", "runner", "gate"])
    pod = a_pod("p1", waits, state={"running": {"startedAt": at(-60)}})
    planned = plan(by_pods(pod))
    assert told(planned) == (Effect.RECONCILING, "StrategyMismatch")
    assert RESTART in ready(planned).message
    assert [one.note for one in planned.notices if one.occasion == "StrategyMismatch" and one.warning]
    beside = plan(by_pods(pod, at_work("p2")))
    assert reason(beside) == "Migrating"


def test_pods_that_migrate_beside_a_job_are_told_of_and_change_nothing() -> None:
    name = name_of(seen())
    planned = plan(replace(seen(jobs=(a_job(name),), pods=(running(name),)), gated=(at_work("p1"),)))
    assert reason(planned) == "Migrating"
    (notice,) = [one for one in planned.notices if one.occasion == "StrategyMismatch"]
    assert "safe beside the Job" in notice.note
    assert not notice.warning


def test_a_job_of_the_other_strategy_ends_first_and_its_success_is_taken_over() -> None:
    given = by_pods(a_pod("p1", a_gate(command=["python3", "runner", "gate"])))
    name = name_of(given)
    busy = plan(replace(given, jobs=(a_job(name),), pods=(running(name),)))
    assert (reason(busy), busy.actions) == ("WaitingForPreviousJob", ())
    idle = plan(replace(given, jobs=(a_job("users-other"),)))
    assert (reason(idle), deleted(idle)) == ("WaitingForPreviousJob", ["users-other"])
    done = plan(replace(given, jobs=(a_job(name, outcome="Complete"),), pods=(ended(name, 0, UP_TO_DATE),)))
    assert reason(done) == "UpToDate"
    assert done.status.last_run is not None
    assert (done.status.last_run.job, done.status.last_run.pod) == (name, None)
    assert reason(plan(with_status(given, done.status))) == "UpToDate"


def test_a_success_of_pods_is_taken_over_by_the_strategy_job() -> None:
    done = lived((passed("p1", UP_TO_DATE),))
    assert done.migration.spec is not None
    by_job = replace(done.migration, spec=done.migration.spec.model_copy(update={"strategy": "Job"}))
    planned = plan(replace(done, migration=by_job))
    assert (told(planned), planned.actions) == ((Effect.READY, "UpToDate"), ())
    failed_before = lived((failed("p1", 75, LOCKED),))
    by_job = replace(by_job, status=failed_before.migration.status)
    assert created(plan(replace(failed_before, migration=by_job))) == [name_of(done)]


def test_an_image_may_be_the_source_too() -> None:
    given = replace(seen(SPEC | {"source": {"image": "users:1.4"}}), gated=(passed("p1", UP_TO_DATE),))
    assert reason(plan(given)) == "UpToDate"
