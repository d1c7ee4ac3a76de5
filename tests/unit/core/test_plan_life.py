from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect, Occasion
from alembic_operator.api.status import ShownRevisions
from alembic_operator.core import times
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    BROKEN,
    LOCKED,
    ON_POSTGRES,
    POSTGRES,
    UP_TO_DATE,
    a_job,
    at,
    created,
    deleted,
    ended,
    later,
    name_of,
    ready,
    reason,
    running,
    seen,
    told,
)
from tests.unit.core.life import Life


def test_a_new_migration_creates_its_job_and_says_pending() -> None:
    new = seen()
    planned = plan(new)
    assert created(planned) == [name_of(new)]
    assert told(planned) == (Effect.RECONCILING, "Pending")
    assert planned.status.observed_generation == 1
    assert planned.status.last_run is not None
    assert (planned.status.last_run.job, planned.status.last_run.attempt) == (name_of(new), 1)
    assert not planned.report_first
    assert [one.occasion for one in planned.notices] == [Occasion.STARTED]
    assert planned.status.shown == ShownRevisions(current="?", target="?", pending="?")


def test_a_whole_life_from_pending_to_up_to_date() -> None:
    life = Life()
    assert reason(life.look()) == "Pending"
    assert reason(life.look()) == "Pending"
    life.pod_runs()
    assert reason(life.look()) == "Migrating"
    life.job_ends()
    finished = life.look()
    assert told(finished) == (Effect.READY, "UpToDate")
    assert ready(finished).message == "the database contains b2; 1 revision applied in 1.5 s"
    assert [one.occasion for one in finished.notices] == [Occasion.SUCCEEDED]
    assert life.look() == replace(finished, notices=())


def test_a_success_is_written_down_with_revisions_image_and_times() -> None:
    life = Life()
    status = life.run().status
    assert status.revisions is not None
    assert status.last_run is not None
    assert status.image == "registry/users@sha256:4242"
    assert (status.revisions.current, status.revisions.target, status.revisions.pending) == (("b2",), ("b2",), 0)
    assert status.shown == ShownRevisions(current="b2", target="b2", pending="0")
    assert (status.last_run.from_, status.last_run.to, status.last_run.error) == (("a1",), ("b2",), None)
    assert [(one.revision, one.seconds) for one in status.last_run.applied] == [("b2", 1.5)]
    assert (status.last_run.started_at, status.last_run.finished_at) == (at(0), at(7))


def test_a_database_that_is_ahead_is_ready_when_the_runner_accepts_it() -> None:
    ahead = replace(UP_TO_DATE, reason="DatabaseAhead", ahead=True, applied=(), to=("c3",))
    planned = Life().run(result=ahead)
    assert told(planned) == (Effect.READY, "DatabaseAhead")
    assert planned.status.revisions is not None
    assert planned.status.revisions.database_ahead
    assert ready(planned).message.startswith("the database contains c3, which this image does not know")


def test_ready_is_taken_back_before_the_next_job_is_created() -> None:
    life = Life()
    life.run()
    life.change(alembic={"target": "b2"})
    planned = life.look()
    assert len(created(planned)) == 1
    assert planned.report_first
    assert told(planned) == (Effect.RECONCILING, "Pending")


def test_nothing_is_reported_first_when_ready_was_not_true() -> None:
    life = Life()
    life.run(70, BROKEN)
    life.change(alembic={"target": "b2"})
    planned = life.look()
    assert len(created(planned)) == 1
    assert not planned.report_first


def test_what_was_read_back_stays_while_the_next_run_is_under_way_but_not_what_is_pending() -> None:
    life = Life()
    life.run()
    life.change(alembic={"target": "b2"})
    for _ in range(2):
        life.look()
        assert life.status.revisions is not None
        assert life.status.revisions.current == ("b2",)
        assert life.status.revisions.target == ()
        assert life.status.revisions.pending is None
        assert life.status.shown == ShownRevisions(current="b2", target="?", pending="?")
        life.pod_runs()


def test_another_retry_annotation_is_another_job_of_the_same_specification() -> None:
    life = Life()
    first = life.run().status
    life.seen = replace(life.seen, migration=replace(life.seen.migration, retry="2026-03-01"))
    planned = life.look()
    assert len(created(planned)) == 1
    assert first.last_run is not None
    assert created(planned) != [first.last_run.job]


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


def test_pods_that_are_gone_leave_a_recorded_success_alone() -> None:
    life = Life()
    before = life.run()
    life.seen = replace(life.seen, pods=())
    assert life.look().status == before.status


def test_a_finished_job_whose_report_is_lost_runs_again() -> None:
    life = Life()
    life.look()
    life.job_ends()
    life.seen = replace(life.seen, pods=())
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "Retrying")
    assert len(deleted(planned)) == 1
    again = life.look()
    assert created(again) == deleted(planned)
    assert life.job.attempt == 1


def test_a_report_without_a_result_is_no_success() -> None:
    planned = Life().run(0, None)
    assert told(planned) == (Effect.RECONCILING, "Retrying")
    assert len(deleted(planned)) == 1


def test_a_complete_job_is_judged_by_the_pod_that_succeeded() -> None:
    life = Life()
    life.look()
    life.job_ends()
    failed = ended(life.job.name, 75, LOCKED, name="the-first", created_at=at(100))
    life.seen = replace(life.seen, pods=(failed, *life.seen.pods))
    assert told(life.look()) == (Effect.READY, "UpToDate")


def test_a_complete_job_of_which_only_a_failed_pod_is_known_is_no_success_yet() -> None:
    life = Life()
    life.look()
    life.job_ends()
    life.seen = replace(life.seen, pods=(ended(life.job.name, 75, LOCKED),))
    assert told(life.look()) == (Effect.RECONCILING, "Retrying")


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


def test_suspend_lets_a_run_end_and_reports_it() -> None:
    life = Life()
    life.look()
    life.pod_runs()
    life.change(suspend=True)
    assert reason(life.look()) == "Migrating"
    life.job_ends()
    assert told(life.look()) == (Effect.READY, "UpToDate")


def test_a_statefulset_that_loses_its_replica_leaves_a_settled_migration_ready() -> None:
    life = Life(ON_POSTGRES)
    life.run()
    life.job_goes()
    life.seen = replace(life.seen, server=replace(POSTGRES, ready=False))
    assert told(life.look()) == (Effect.READY, "UpToDate")


def test_a_running_pod_is_seen_even_when_the_job_was_created_by_an_operator_that_died() -> None:
    new = seen()
    name = name_of(new)
    planned = plan(replace(new, jobs=(a_job(name, attempt=3),), pods=(running(name),)))
    assert planned.actions == ()
    assert told(planned) == (Effect.RECONCILING, "Migrating")
    assert planned.status.last_run is not None
    assert planned.status.last_run.attempt == 3


SITUATIONS = {
    "new": Life(),
    "suspended": Life({"suspend": True}),
    "invalid": Life(unreadable="spec.source: wrong"),
    "cycle": Life(cycle=("users", "agents", "users")),
    "running": Life(jobs=(a_job(name_of(seen())),), pods=(running(name_of(seen())),)),
    "locked": Life(jobs=(a_job(name_of(seen()), outcome="Failed"),), pods=(ended(name_of(seen()), 75, LOCKED),)),
    "broken": Life(jobs=(a_job(name_of(seen()), outcome="Failed"),), pods=(ended(name_of(seen()), 70, BROKEN),)),
    "ready": Life(jobs=(a_job(name_of(seen()), outcome="Complete"),), pods=(ended(name_of(seen()), 0, UP_TO_DATE),)),
}


@pytest.mark.parametrize("life", [pytest.param(life, id=name) for name, life in SITUATIONS.items()])
def test_the_same_observation_planned_twice_is_the_same_plan_and_changes_no_status(life: Life) -> None:
    first = plan(life.seen)
    assert plan(life.seen) == first
    after = Life()
    after.seen = life.seen
    actions = after.look().actions
    after.pass_time(3)
    if not any(isinstance(one, CreateJob) for one in actions):
        assert after.look().status == first.status
    assert after.look().status == after.look().status
