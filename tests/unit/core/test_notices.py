"""Which Events a life makes: one for a start, one for an outcome, one for a wait that was not there before."""

from dataclasses import replace

from alembic_operator.api.occasions import Occasion
from alembic_operator.core.actions import Plan
from alembic_operator.core.plan import plan
from tests.unit.core.builders import BROKEN, LOCKED, ready, seen
from tests.unit.core.gates import GATE, a_deployment, a_gated_pod, waiting
from tests.unit.core.life import Life


def told(planned: Plan) -> list[tuple[Occasion, bool]]:
    return [(one.occasion, one.warning) for one in planned.notices]


def test_a_run_that_nothing_heals_is_a_warning_once() -> None:
    life = Life()
    planned = life.run(70, BROKEN)
    assert told(planned) == [(Occasion.FAILED, True)]
    assert planned.notices[0].note == f"RevisionFailed: {ready(planned).message}"
    assert told(life.look()) == []
    life.job_goes()
    assert told(life.look()) == []


def test_each_attempt_that_failed_is_a_warning() -> None:
    life = Life()
    for _ in range(3):
        assert told(life.run(75, LOCKED)) == [(Occasion.FAILED, True)]
        life.pass_time(600)
        assert told(life.look()) == []


def test_pending_and_migrating_are_no_event_of_their_own() -> None:
    life = Life()
    assert told(life.look()) == [(Occasion.STARTED, False)]
    life.pod_runs()
    assert told(life.look()) == []


def test_each_run_that_succeeded_is_an_event() -> None:
    life = Life()
    assert told(life.run()) == [(Occasion.SUCCEEDED, False)]
    life.change(alembic={"target": "b2"})
    assert told(life.run()) == [(Occasion.SUCCEEDED, False)]


def test_another_wait_is_another_event() -> None:
    life = Life({"suspend": True})
    assert told(life.look()) == [(Occasion.HELD, False)]
    assert told(life.look()) == []
    life.change(suspend=False)
    life.look()
    life.pod_runs()
    life.change(alembic={"target": "b2"})
    assert told(life.look()) == [(Occasion.HELD, False)]


def test_nothing_is_told_of_pods_whose_workload_is_being_deleted() -> None:
    skipping = a_gated_pod("skips", "users-1", gate_annotation="Skip", gate=None)
    migrating = a_gated_pod("migrates", "users-2", gate=replace(GATE, command=("python3", "runner.pyz", "upgrade")))
    pods = (waiting(name="waits"), skipping, migrating)
    there, going = a_deployment(recreates=True), a_deployment(recreates=True, deleting=True)
    occasions = {one.occasion for one in plan(seen(gated=pods, workloads=(there,))).notices}
    assert occasions == {"Started", "PodsHeld", "GateSkipped", "StrategyMismatch", "RolloutAtRisk"}
    assert {one.occasion for one in plan(seen(gated=pods, workloads=(going,))).notices} == {"Started"}
