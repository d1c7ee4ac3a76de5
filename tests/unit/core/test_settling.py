"""A change of the followed workload waits for what was changed with it; a suspended migration takes its Job back."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.core.actions import Plan
from alembic_operator.core.observation import source
from alembic_operator.core.observation.last_change import LastChange, last_change
from alembic_operator.core.observation.source import Missing, PodParts
from tests.unit.core.builders import (
    LOCKED,
    NOW,
    a_spec,
    created,
    deleted,
    name_of,
    ready,
    reason,
    seen,
    told,
)
from tests.unit.core.life import Life

FOLLOWING = {"source": {"workloadRef": {"name": "users"}}}


def parts(image: str) -> PodParts:
    found = source.containers({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image}]}}}})
    app = found["app"]
    assert isinstance(app, PodParts)
    return app


class Following(Life):
    """A migration that follows a Deployment, and an operator that remembers what it has seen of it."""

    def __init__(self, **spec: Any) -> None:
        super().__init__(FOLLOWING | spec, source=parts("users:1"))
        self.remembered: LastChange | None = None

    def look(self) -> Plan:
        given = self.seen
        self.remembered = last_change(self.remembered, given.migration, given.source, given.now)
        self.seen = replace(given, last_change=self.remembered)
        return super().look()

    def deploy(self, image: str) -> None:
        self.seen = replace(self.seen, source=parts(image))

    def change(self, retry: str = "", **spec: Any) -> None:
        super().change(retry, **FOLLOWING | spec)


@pytest.fixture
def life() -> Following:
    """Return one that has migrated for its first image, some time ago."""
    life = Following()
    life.run()
    life.pass_time(60)
    return life


def test_a_first_run_waits_for_nothing() -> None:
    life = Following()
    assert len(created(life.look())) == 1


def test_a_workload_that_comes_after_its_migration_is_no_change() -> None:
    life = Following()
    life.seen = replace(life.seen, source=Missing("Deployment users does not exist"))
    life.look()
    life.deploy("users:1")
    assert len(created(life.look())) == 1


def test_a_changed_workload_is_acted_on_when_it_has_stood_for_the_settling_time(life: Following) -> None:
    life.deploy("users:2")
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "Settling")
    assert (planned.actions, planned.notices, planned.requeue_after) == ((), (), 2)
    assert ready(planned).message == (
        "Deployment users has just changed; a run starts after spec.policy.settlingTime (2s) without another change,"
        " or at once when this migration changes too"
    )
    life.pass_time(1.5)
    again = life.look()
    assert (again.status, again.actions, again.requeue_after) == (planned.status, (), 0.5)
    life.pass_time(0.5)
    assert created(life.look()) == [name_of(life.seen)]


def test_a_change_of_the_migration_ends_the_wait_with_both(life: Following) -> None:
    life.deploy("users:2")
    life.look()
    life.pass_time(0.02)
    life.change(alembic={"target": "b2"})
    planned = life.look()
    assert created(planned) == [name_of(life.seen)]
    assert life.seen.migration.spec == a_spec(**FOLLOWING, alembic={"target": "b2"})


def test_the_retry_annotation_ends_the_wait(life: Following) -> None:
    life.deploy("users:2")
    life.look()
    life.seen = replace(life.seen, migration=replace(life.seen.migration, retry="now"))
    assert len(created(life.look())) == 1


def test_a_migration_that_changed_before_its_workload_waits_for_that_to_stand(life: Following) -> None:
    life.change(alembic={"target": "b2"})
    life.deploy("users:2")  # both at one look
    assert reason(life.look()) == "Settling"
    life.pass_time(2)
    assert len(created(life.look())) == 1


def test_another_change_begins_the_wait_anew(life: Following) -> None:
    life.deploy("users:2")
    life.look()
    life.pass_time(1.9)
    life.deploy("users:3")
    assert life.look().requeue_after == 2


def test_a_change_that_is_taken_back_within_the_time_was_none(life: Following) -> None:
    before = life.look().status
    life.deploy("users:2")
    life.look()
    life.deploy("users:1")
    planned = life.look()
    assert told(planned) == (Effect.READY, "UpToDate")
    assert planned.actions == ()
    assert planned.status.history == before.history


def test_suspend_with_a_new_image_starts_nothing_in_either_order(life: Following) -> None:
    life.deploy("users:2")
    assert reason(life.look()) == "Settling"
    life.change(suspend=True)
    assert told(life.look()) == (Effect.RECONCILING, "Suspended")
    life.deploy("users:3")
    planned = life.look()
    assert (reason(planned), planned.actions) == ("Suspended", ())
    life.pass_time(60)
    life.change(suspend=False)
    assert len(created(life.look())) == 1


def test_another_strategy_with_a_new_image_makes_no_job_of_the_old_one(life: Following) -> None:
    life.deploy("users:2")
    assert life.look().actions == ()
    life.change(strategy="InitContainer")
    planned = life.look()
    assert (reason(planned), planned.actions) == ("WaitingForPods", ())


def test_an_old_job_whose_pod_has_not_started_is_cancelled_only_after_the_wait(life: Following) -> None:
    life.deploy("users:2")
    life.look()
    life.pass_time(2)
    life.look()
    second = life.job.name
    life.deploy("users:3")
    planned = life.look()
    assert (reason(planned), planned.actions) == ("Settling", ())
    life.pass_time(2)
    assert deleted(life.look()) == [second]


def test_a_run_of_before_is_told_meanwhile(life: Following) -> None:
    life.change(alembic={"target": "b2"})
    life.look()
    life.pod_runs()
    life.deploy("users:2")
    assert reason(life.look()) == "WaitingForPreviousJob"


def test_a_retry_of_the_same_run_waits_for_its_own_pace_only() -> None:
    life = Following()
    life.run(75, LOCKED)
    life.remembered = None  # the operator starts again
    life.pass_time(60)
    assert len(deleted(life.look())) == 1
    assert len(created(life.look())) == 1


def test_a_workload_that_changed_while_no_operator_looked_has_just_changed(life: Following) -> None:
    life.remembered = None
    life.deploy("users:2")
    planned = life.look()
    assert (reason(planned), planned.requeue_after) == ("Settling", 2)


def test_a_settled_migration_stays_ready_after_a_restart_of_the_operator(life: Following) -> None:
    life.remembered = None
    assert told(life.look()) == (Effect.READY, "UpToDate")


def test_a_migration_that_follows_another_workload_now_has_changed_itself(life: Following) -> None:
    life.look()
    life.seen = replace(life.seen, source=parts("green:2"))
    life.change(source={"workloadRef": {"name": "green"}})
    assert len(created(life.look())) == 1


def test_a_clock_that_was_put_back_makes_nobody_wait_for_longer(life: Following) -> None:
    life.deploy("users:2")
    life.look()
    life.pass_time(-3600)
    assert life.look().requeue_after == 2


def test_a_workload_that_was_gone_for_a_while_is_as_it_was(life: Following) -> None:
    there = life.seen.source
    life.look()
    life.seen = replace(life.seen, source=Missing("Deployment users does not exist"))
    assert reason(life.look()) == "WaitingForWorkload"
    life.seen = replace(life.seen, source=there)
    assert told(life.look()) == (Effect.READY, "UpToDate")


@pytest.mark.parametrize("source_", [{"image": "users:2"}, {"configMapRef": {"name": "project"}}])
def test_other_sources_are_followed_at_once(source_: dict[str, Any]) -> None:
    life = Life({"source": {"image": "users:1"}})
    life.run()
    life.seen = replace(life.seen, source=source.of_image("users:2"))
    life.change(source=source_)
    assert last_change(None, life.seen.migration, life.seen.source, NOW) is None
    assert len(created(life.look())) == 1


def test_no_time_is_no_wait() -> None:
    life = Following(policy={"settlingTime": "0s"})
    life.run()
    life.deploy("users:2")
    assert len(created(life.look())) == 1


@pytest.mark.parametrize("policy", [{}, {"lockTimeout": "3s"}])
def test_another_settling_time_runs_nothing_anew(policy: dict[str, str]) -> None:
    assert name_of(seen({"policy": policy | {"settlingTime": "9s"}})) == name_of(seen({"policy": policy}))
