"""What a migration waits for, and what it cannot go on with."""

from dataclasses import replace

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect
from alembic_operator.core.actions import Plan
from alembic_operator.core.observation import source
from alembic_operator.core.observation.dependencies import Dependency
from alembic_operator.core.observation.observation import Observation, Refusal
from alembic_operator.core.observation.source import Missing
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    ON_POSTGRES,
    POSTGRES,
    a_job,
    created,
    name_of,
    ready,
    reason,
    running,
    seen,
    told,
)
from tests.unit.core.life import Life

WORKLOAD = {"source": {"workloadRef": {"name": "users"}}}
CONFIG_MAP = {"source": {"configMapRef": {"name": "users-migrations"}}}
FILES = {"alembic.ini": "[alembic]", "env.py": "", "b2_users.py": ""}


def without_server() -> Missing:
    return Missing("StatefulSet postgres does not exist", "create it, or correct spec.database.statefulSetRef")


def config_map(data: dict[str, str] | None) -> Observation:
    found = None if data is None else {"data": data}
    return seen(CONFIG_MAP, source=source.of_config_map("users-migrations", found, "alembic.ini", "operator:1"))


def workload(container: str | None = None, *, exists: bool = True) -> Observation:
    template = {"spec": {"containers": [{"name": "app"}, {"name": "metrics"}]}}
    parts = source.containers({"spec": {"template": template}}) if exists else None
    return seen(WORKLOAD, source=source.of_workload("Deployment", "users", parts, container))


FOR_OTHERS = ("WaitingForWorkload", "WaitingForConfigMap", "WaitingForDatabase", "WaitingForDependency")
"""What is created by the same command may come a moment later."""

WAITS = {
    "suspend": (
        seen({"suspend": True}),
        "Suspended",
        "spec.suspend is true; set it to false to start",
    ),
    "a dependency that does not exist": (
        seen(dependencies=(Dependency("agents", exists=False, ready=False),)),
        "WaitingForDependency",
        "waits for spec.dependsOn: agents (does not exist in this namespace)",
    ),
    "dependencies that are not ready": (
        seen(
            dependencies=(
                Dependency("agents", exists=True, ready=False),
                Dependency("chat", exists=True, ready=True),
                Dependency("tracing", exists=True, ready=False),
            )
        ),
        "WaitingForDependency",
        "waits for spec.dependsOn: agents (not Ready), tracing (not Ready)",
    ),
    "a StatefulSet that does not exist": (
        seen(ON_POSTGRES, server=without_server()),
        "WaitingForDatabase",
        "StatefulSet postgres does not exist; create it, or correct spec.database.statefulSetRef",
    ),
    "a StatefulSet without a ready replica": (
        seen(ON_POSTGRES, server=replace(POSTGRES, ready=False)),
        "WaitingForDatabase",
        "StatefulSet postgres has no ready replica",
    ),
    "a workload that does not exist": (
        workload(exists=False),
        "WaitingForWorkload",
        "Deployment users does not exist; create it, or correct spec.source.workloadRef",
    ),
    "a container that does not exist": (
        workload("db"),
        "WaitingForWorkload",
        "Deployment users has no container 'db'; spec.source.workloadRef.container can be: app, metrics",
    ),
    "a ConfigMap that does not exist": (
        config_map(None),
        "WaitingForConfigMap",
        "ConfigMap users-migrations does not exist; create it, or correct spec.source.configMapRef",
    ),
    "a ConfigMap without alembic.ini": (
        config_map({"env.py": ""}),
        "WaitingForConfigMap",
        "ConfigMap users-migrations has no key alembic.ini; add it; the other *.py keys are the revisions",
    ),
    "a ConfigMap without env.py": (
        config_map({"alembic.ini": ""}),
        "WaitingForConfigMap",
        "ConfigMap users-migrations has no key env.py; add it; the other *.py keys are the revisions",
    ),
    "a Job that is not admitted": (
        seen(refusal=Refusal("exceeded quota: small", forbidden=True)),
        "JobForbidden",
        "the Job is not admitted: exceeded quota: small",
    ),
}


@pytest.mark.parametrize(("given", "why", "message"), [pytest.param(*case, id=name) for name, case in WAITS.items()])
def test_a_new_migration_starts_nothing_and_says_what_it_waits_for(given: Observation, why: str, message: str) -> None:
    planned = plan(given)
    assert told(planned) == (Effect.RECONCILING, why)
    assert ready(planned).message == message
    assert planned.actions == ()
    at_once = [] if why in FOR_OTHERS else [(Occasion.HELD, f"{why}: {message}")]
    assert [(one.occasion, one.note) for one in planned.notices] == at_once


@pytest.mark.parametrize(("given", "why", "message"), [pytest.param(*case, id=name) for name, case in WAITS.items()])
def test_a_wait_is_announced_once(given: Observation, why: str, message: str) -> None:
    life = Life()
    life.seen = given
    life.look()
    planned = life.look()
    assert planned.notices == ()
    assert (reason(planned), ready(planned).message) == (why, message)


OTHERS = {name: case for name, case in WAITS.items() if case[1] in FOR_OTHERS}


@pytest.mark.parametrize(("given", "why", "message"), [pytest.param(*case, id=name) for name, case in OTHERS.items()])
def test_what_may_have_been_installed_together_is_missed_after_ten_seconds(
    given: Observation, why: str, message: str
) -> None:
    life = Life()
    life.seen = given
    first = life.look()
    assert (first.notices, first.requeue_after) == ((), 10)
    life.pass_time(9)
    assert life.look().notices == ()
    life.pass_time(1)
    (notice,) = life.look().notices
    assert (notice.occasion, notice.note, notice.warning) == (Occasion.HELD, f"{why}: {message}", False)
    life.pass_time(60)
    assert life.look().notices == (notice,)  # of the same identity, and so the same Event
    life.pass_time(3600)
    assert life.look().notices == ()


def test_another_specification_that_waits_is_told_of_again() -> None:
    life = Life()
    life.seen = workload(exists=False)
    life.look()
    life.pass_time(60)
    first = life.look().notices
    life.change(source=WORKLOAD["source"], alembic={"target": "b2"})
    second = life.look().notices
    assert first[0].identity != second[0].identity


STALLS = {
    "a specification that cannot be read": (
        seen(unreadable="spec.source: give one"),
        "InvalidSpec",
        "spec.source: give one",
    ),
    "a cycle": (
        seen(cycle=("users", "agents", "chat", "users")),
        "DependencyCycle",
        "spec.dependsOn is a cycle: users -> agents -> chat -> users; remove one of these",
    ),
    "a Job that is invalid": (
        seen(refusal=Refusal("spec.template.spec: Required value", forbidden=False)),
        "JobInvalid",
        "the Job is invalid: spec.template.spec: Required value; correct spec.jobTemplate or the source",
    ),
}


@pytest.mark.parametrize(("given", "why", "message"), [pytest.param(*case, id=name) for name, case in STALLS.items()])
def test_a_wrong_request_stalls_with_a_warning(given: Observation, why: str, message: str) -> None:
    planned = plan(given)
    assert told(planned) == (Effect.STALLED, why)
    assert ready(planned).message == message
    assert (planned.actions, planned.requeue_after) == ((), None)
    (notice,) = planned.notices
    assert (notice.occasion, notice.note, notice.warning) == (Occasion.FAILED, f"{why}: {message}", True)


LOOKS_AGAIN = {
    "a Job that is not admitted": (seen(refusal=Refusal("quota", forbidden=True)), 2),
    "a ConfigMap that does not exist": (config_map(None), 10),
    "a ConfigMap whose Job was just created": (config_map(FILES), 5),
    "a workload that does not exist": (workload(exists=False), 10),
    "a dependency that is not ready": (seen(dependencies=(Dependency("agents", exists=True, ready=False),)), 10),
    "a StatefulSet that is not ready": (seen(ON_POSTGRES, server=replace(POSTGRES, ready=False)), 10),
    "a Job that was just created": (seen(), 5),
}


@pytest.mark.parametrize(("given", "after"), [pytest.param(*case, id=name) for name, case in LOOKS_AGAIN.items()])
def test_what_no_watch_tells_of_is_looked_at_again(given: Observation, after: float | None) -> None:
    assert plan(given).requeue_after == after


def config_map_after(*, job_is_kept: bool) -> Plan:
    life = Life()
    life.seen = config_map(FILES)
    life.run()
    if not job_is_kept:
        life.job_goes()
    return life.look()


@pytest.mark.parametrize("kept", [True, False], ids=["the Job is kept", "the Job is gone"])
def test_a_config_map_is_followed_after_a_success(*, kept: bool) -> None:
    planned = config_map_after(job_is_kept=kept)
    assert told(planned) == (Effect.READY, "UpToDate")
    assert planned.requeue_after == 60


def test_a_run_that_is_under_way_is_told_even_when_its_migration_would_have_to_wait() -> None:
    given = seen({"suspend": True}, dependencies=(Dependency("agents", exists=True, ready=False),))
    name = name_of(given)
    assert reason(plan(replace(given, jobs=(a_job(name),), pods=(running(name),)))) == "Migrating"


def test_what_was_waited_for_starts_the_job() -> None:
    life = Life({"suspend": True})
    life.look()
    life.change(suspend=False)
    assert len(created(life.look())) == 1


def test_suspend_keeps_a_failed_run_from_being_made_anew() -> None:
    life = Life()
    life.run(75, None)
    life.change(suspend=True)
    life.pass_time(60)
    life.look()
    assert reason(life.look()) == "Suspended"
    assert life.seen.jobs == ()


def test_a_finished_run_stays_the_last_one_while_something_is_waited_for() -> None:
    life = Life()
    before = life.run().status
    life.seen = replace(life.seen, refusal=Refusal("quota", forbidden=True))
    after = life.look().status
    assert (after.last_run, after.history, after.revisions) == (before.last_run, before.history, before.revisions)


def test_a_job_that_is_not_admitted_is_tried_again_after_as_long_as_it_has_waited() -> None:
    life = Life()
    life.seen = replace(life.seen, refusal=Refusal("quota", forbidden=True))
    waits = []
    for _ in range(8):
        waits.append(life.look().requeue_after or 0)
        life.pass_time(waits[-1])
    assert waits == [2, 2, 4, 8, 16, 32, 60, 60]
