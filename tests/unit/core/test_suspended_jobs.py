"""What suspend does with a Job that exists."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.reasons import Effect
from tests.unit.core.builders import (
    LOCKED,
    a_pod,
    created,
    deleted,
    ended,
    ready,
    reason,
    running,
    told,
)
from tests.unit.core.life import Life

NOT_STARTED = {
    "no pod": (),
    "a pod without a node": (a_pod("job", unschedulable="no node"),),
    "a pod whose image cannot be pulled": (a_pod("job", waiting_reason="ErrImagePull"),),
    "a second pod that has not started": (ended("job", 75), a_pod("job", name="second")),
}


@pytest.mark.parametrize("pods", NOT_STARTED.values(), ids=NOT_STARTED)
def test_a_job_of_a_suspended_migration_is_taken_back_before_its_pod_starts(pods: tuple[Any, ...]) -> None:
    life = Life()
    life.run(75, LOCKED)
    life.pass_time(60)
    life.look()
    life.look()
    name = life.job.name
    life.seen = replace(life.seen, pods=tuple(replace(pod, job=name) for pod in pods))
    life.look()
    life.change(suspend=True)
    planned = life.look()
    assert (told(planned), deleted(planned)) == ((Effect.RECONCILING, "Suspended"), [name])
    assert ready(life.look()).message == "spec.suspend is true; set it to false to start"
    life.change(suspend=False)
    assert created(life.look()) == [name]
    assert life.job.attempt == 2


STARTED = {
    "a pod that runs": (running("job"),),
    "a pod that has succeeded": (ended("job", 0),),
    "a pod that has failed for good": (ended("job", 70),),
}


@pytest.mark.parametrize("pods", STARTED.values(), ids=STARTED)
def test_a_job_of_a_suspended_migration_whose_pod_has_started_is_left_to_finish(pods: tuple[Any, ...]) -> None:
    life = Life()
    life.look()
    life.change(suspend=True)
    life.seen = replace(life.seen, pods=tuple(replace(pod, job=life.job.name, job_uid=life.job.uid) for pod in pods))
    assert life.look().actions == ()


@pytest.mark.parametrize("pods", [(), (running("job"),)], ids=["before its pod has started", "by hand, to cancel it"])
def test_a_job_that_is_being_deleted_is_not_made_anew_while_suspended(pods: tuple[Any, ...]) -> None:
    life = Life()
    life.look()
    life.change(suspend=True)
    name = life.job.name
    life.seen = replace(life.seen, jobs=(replace(life.job, deleting=True),))
    life.seen = replace(life.seen, pods=tuple(replace(pod, job=name) for pod in pods))
    planned = life.look()
    assert (reason(planned), planned.actions) == ("Suspended", ())
    assert ready(planned).message == (
        f"spec.suspend is true: Job {name} is being deleted; set spec.suspend to false to start"
    )
