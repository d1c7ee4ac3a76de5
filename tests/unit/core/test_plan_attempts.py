"""When a run that failed, or whose Job is gone, is made anew."""

from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.core import times
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    BROKEN,
    LOCKED,
    UP_TO_DATE,
    a_job,
    created,
    deleted,
    ended,
    later,
    name_of,
    ready,
    reason,
    seen,
    told,
)
from tests.unit.core.life import Life


def test_a_job_that_was_deleted_by_hand_while_it_ran_is_created_again_as_the_same_attempt() -> None:
    life = Life()
    life.look()
    life.pod_runs()
    life.look()
    name = life.job.name
    life.job_goes()
    planned = life.look()
    assert created(planned) == [name]
    assert life.job.attempt == 1


def test_a_job_that_is_gone_after_a_success_leaves_ready_alone() -> None:
    life = Life()
    before = life.run()
    life.job_goes()
    life.pass_time(86400)
    planned = life.look()
    assert planned.status == before.status
    assert (planned.actions, planned.notices, planned.requeue_after) == ((), (), None)


def test_a_finished_job_that_is_being_deleted_leaves_ready_alone() -> None:
    life = Life()
    before = life.run()
    life.seen = replace(life.seen, jobs=(replace(life.job, deleting=True),), pods=())
    planned = life.look()
    assert planned.status == before.status
    assert planned.actions == ()


def test_a_failed_job_is_deleted_once_and_made_anew_when_it_is_gone() -> None:
    life = Life()
    life.run(75, LOCKED)
    life.pass_time(60)
    assert len(deleted(plan(life.seen))) == 1
    life.seen = replace(life.seen, jobs=(replace(life.job, deleting=True),))
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "LockTimeout")
    assert planned.actions == ()
    life.job_goes()
    assert len(created(life.look())) == 1
    assert life.job.attempt == 2


def test_a_job_that_is_gone_after_it_stalled_leaves_the_verdict_alone() -> None:
    life = Life()
    before = life.run(70, BROKEN)
    life.job_goes()
    planned = life.look()
    assert planned.status == before.status
    assert planned.actions == ()


def test_a_job_of_a_deleted_migration_with_the_same_name_is_not_adopted() -> None:
    new = seen()
    name = name_of(new)
    foreign = a_job(name, owner="somebody else", outcome="Complete")
    planned = plan(replace(new, jobs=(foreign,), pods=(ended(name, result=UP_TO_DATE),)))
    assert planned.actions == ()
    assert told(planned) == (Effect.RECONCILING, "WaitingForPreviousJob")
    assert "deleted migration of the same name" in ready(planned).message


def test_a_job_that_is_being_deleted_is_waited_for_and_then_made_anew() -> None:
    life = Life()
    life.look()
    name = life.job.name
    life.seen = replace(life.seen, jobs=(replace(life.job, deleting=True),))
    planned = life.look()
    assert planned.actions == ()
    assert told(planned) == (Effect.RECONCILING, "WaitingForPreviousJob")
    life.job_goes()
    assert created(life.look()) == [name]


def test_a_suspended_migration_that_waits_for_its_next_attempt_says_that_this_needs_somebody() -> None:
    life = Life()
    life.run(75, LOCKED)
    life.change(suspend=True)
    waiting = life.look()
    assert waiting.requeue_after == 60
    assert "; spec.suspend is true; set it to false for attempt 2, not before " in ready(waiting).message
    assert "starts at" not in ready(waiting).message
    life.pass_time(60)
    assert len(deleted(life.look())) == 1
    assert reason(life.look()) == "Suspended"


@pytest.mark.parametrize("exit_code", [75, 76, 77])
def test_a_failure_that_time_can_heal_makes_the_job_anew_at_a_doubling_pace(exit_code: int) -> None:
    life = Life()
    minutes = []
    for attempt in range(1, 8):
        failed = life.run(exit_code, LOCKED)
        assert failed.requeue_after is not None
        assert failed.actions == ()
        assert life.job.attempt == attempt
        minutes.append(failed.requeue_after / 60)
        finished = moment(life.job.finished_at)
        assert finished is not None
        due = times.text(finished + (later(life.seen, failed.requeue_after).now - life.seen.now))
        assert ready(failed).message.endswith(f"attempt {attempt + 1} starts at {due}")

        life.pass_time(failed.requeue_after - 1)
        assert life.look().requeue_after == 1
        life.pass_time(1)
        assert len(deleted(life.look())) == 1
    assert minutes == [1, 2, 4, 8, 10, 10, 10]


def test_the_slow_pace_is_told_from_the_status_when_the_pods_are_gone() -> None:
    life = Life()
    failed = life.run(75, LOCKED)
    life.seen = replace(life.seen, pods=())
    assert life.look() == replace(failed, notices=())


def test_the_next_attempt_that_succeeds_is_ready_with_its_number() -> None:
    life = Life()
    life.run(75, LOCKED)
    life.pass_time(60)
    life.look()
    assert told(life.run()) == (Effect.READY, "UpToDate")
    assert life.status.last_run is not None
    assert life.status.last_run.attempt == 2


def test_a_job_that_was_deleted_by_hand_after_it_failed_is_the_next_attempt_at_once() -> None:
    life = Life()
    life.run(75, LOCKED)
    life.job_goes()
    assert len(created(life.look())) == 1
    assert life.job.attempt == 2
