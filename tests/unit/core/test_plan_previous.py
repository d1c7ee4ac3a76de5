"""One run at a time: what earlier Jobs and pods mean for the next one, and when a report is out of date."""

from dataclasses import replace

import pytest

from alembic_operator.api.reasons import Effect
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.plan import plan
from tests.unit.core.builders import (
    UP_TO_DATE,
    a_job,
    a_pod,
    at,
    created,
    deleted,
    ended,
    name_of,
    ready,
    running,
    seen,
    told,
)
from tests.unit.core.life import Life

OLD = "users-0123456789"
NAME = name_of(seen())

BLOCKING: dict[str, tuple[tuple[Job, ...], tuple[Pod, ...], list[str]]] = {
    "a busy Job": ((a_job(OLD),), (running(OLD),), []),
    "a Job whose pod has not started": ((a_job(OLD),), (a_pod(OLD),), [OLD]),
    "a Job without a pod": ((a_job(OLD),), (), [OLD]),
    "a Job between two pods": ((a_job(OLD),), (ended(OLD, 75),), [OLD]),
    "a Job that is being deleted": ((a_job(OLD, deleting=True),), (running(OLD),), []),
    "a live pod of a vanished Job": ((), (running(OLD),), []),
    "a live pod of a vanished Job of these very inputs": ((), (running(NAME),), []),
    "a pod that is still ending after its Job failed": ((a_job(OLD, outcome="Failed"),), (running(OLD),), []),
}


@pytest.mark.parametrize(
    ("jobs", "pods", "cancelled"), [pytest.param(*case, id=name) for name, case in BLOCKING.items()]
)
def test_nothing_starts_beside(jobs: tuple[Job, ...], pods: tuple[Pod, ...], cancelled: list[str]) -> None:
    planned = plan(seen(jobs=jobs, pods=pods))
    assert told(planned) == (Effect.RECONCILING, "WaitingForPreviousJob")
    assert created(planned) == []
    assert deleted(planned) == cancelled
    assert ready(planned).message == (
        f"{(pods and pods[0].job) or OLD} of an earlier run must end first; delete the Job to cancel it"
    )


NOT_BLOCKING: dict[str, tuple[tuple[Job, ...], tuple[Pod, ...]]] = {
    "a Job that succeeded": ((a_job(OLD, outcome="Complete"),), (ended(OLD, 0, UP_TO_DATE),)),
    "a Job that failed": ((a_job(OLD, outcome="Failed"),), (ended(OLD, 70),)),
    "a finished Job that is being deleted": ((a_job(OLD, outcome="Complete", deleting=True),), ()),
    "a pod that ended and whose Job is gone": ((), (ended(OLD, 0),)),
    "a Job of nobody": ((a_job(OLD, owner=""),), (running(OLD),)),
    "a Job of another migration": ((a_job(OLD, owner="another", owner_name="agents"),), (running(OLD),)),
    "a pod of nobody": ((), (running("", name=OLD),)),
    "a pod of a Job of another name": ((), (running("report-0123456789"), running("users-report"))),
}


@pytest.mark.parametrize(("jobs", "pods"), [pytest.param(*case, id=name) for name, case in NOT_BLOCKING.items()])
def test_the_new_job_starts_beside(jobs: tuple[Job, ...], pods: tuple[Pod, ...]) -> None:
    assert created(plan(seen(jobs=jobs, pods=pods))) == [NAME]


def test_a_pod_of_a_finished_job_that_the_watch_is_late_to_end_is_in_nobodys_way() -> None:
    late = running(NAME, name="late", created_at=at(-99))
    planned = plan(seen(jobs=(a_job(NAME, outcome="Complete"),), pods=(late, ended(NAME, 0, UP_TO_DATE))))
    assert told(planned) == (Effect.READY, "UpToDate")


def test_the_new_job_starts_when_the_pods_of_the_old_one_are_gone() -> None:
    life = Life()
    life.look()
    life.pod_runs()
    old = life.job.name
    life.change(alembic={"target": "b2"})
    assert told(life.look()) == (Effect.RECONCILING, "WaitingForPreviousJob")
    life.job_ends()
    assert created(life.look()) != [old]
    assert life.seen.jobs[0].name == old


def test_an_old_job_that_started_nothing_gives_way_at_once() -> None:
    life = Life()
    life.look()
    old = life.job.name
    life.change(alembic={"target": "b2"})
    assert deleted(life.look()) == [old]
    assert len(created(life.look())) == 1


def test_a_running_old_job_takes_ready_from_a_migration_that_went_back() -> None:
    life = Life()
    life.run()
    first = life.job.name
    life.change(alembic={"target": "c3"})
    life.look()
    life.pod_runs()
    life.look()
    life.change()
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "WaitingForPreviousJob")
    assert planned.actions == ()
    assert first in [one.name for one in life.seen.jobs]


def test_a_migration_that_went_back_runs_again_instead_of_believing_its_old_report() -> None:
    life = Life()
    life.run()
    first = life.job.name
    life.change(alembic={"target": "c3"})
    life.run(result=replace(UP_TO_DATE, from_=("b2",), to=("c3",), target=("c3",)))
    life.change()
    planned = life.look()
    assert told(planned) == (Effect.RECONCILING, "WaitingForPreviousJob")
    assert deleted(planned) == [first]
    ahead = replace(UP_TO_DATE, reason="DatabaseAhead", from_=("c3",), to=("c3",), target=("b2",), ahead=True)
    assert told(life.run(result=ahead)) == (Effect.READY, "DatabaseAhead")
    assert life.job.name == first
    assert life.job.attempt == 1
    assert [(one.outcome, one.to) for one in life.status.history] == [
        ("DatabaseAhead", ("c3",)),
        ("UpToDate", ("c3",)),
        ("UpToDate", ("b2",)),
    ]


def test_a_change_of_mind_before_anything_started_leaves_the_report_and_the_history_alone() -> None:
    life = Life()
    before = life.run().status
    life.change(alembic={"target": "c3"})
    life.look()
    life.change()
    assert told(life.look()) == (Effect.RECONCILING, "WaitingForPreviousJob")
    after = life.look()
    assert told(after) == (Effect.READY, "UpToDate")
    assert after.actions == ()
    assert after.status.history == before.history
    assert after.status.last_run == before.last_run


def test_a_report_is_out_of_date_when_another_job_began_after_it_even_if_nobody_wrote_that_down() -> None:
    other = a_job(OLD, outcome="Complete", started_at=at(-5), finished_at=at(-1))
    mine = a_job(NAME, outcome="Complete")
    planned = plan(seen(jobs=(other, mine), pods=(ended(NAME, 0, UP_TO_DATE),)))
    assert deleted(planned) == [NAME]
    assert told(planned)[0] is Effect.RECONCILING


def test_a_report_is_believed_when_the_other_job_began_before_it() -> None:
    other = a_job(OLD, outcome="Complete", started_at=at(-90), finished_at=at(-80))
    mine = a_job(NAME, outcome="Complete")
    planned = plan(seen(jobs=(other, mine), pods=(ended(NAME, 0, UP_TO_DATE),)))
    assert told(planned) == (Effect.READY, "UpToDate")
