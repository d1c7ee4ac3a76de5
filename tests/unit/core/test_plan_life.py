from dataclasses import replace

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import ShownRevisions
from alembic_operator.core.actions import CreateJob
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
