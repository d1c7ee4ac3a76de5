"""What is said of objects whose fields cannot be read, and that the migration goes on all the same."""

from dataclasses import replace
from typing import Any

import pytest

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.gated_workloads import GatedWorkload
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.plan import plan
from tests.unit.core.builders import UP_TO_DATE, a_job, a_pod, ended, name_of, ready, seen, told
from tests.unit.core.gates import a_gated_pod

WRONG = ('spec.strategy.canary.maxSurge is "one", not a number of pods or a percentage', "spec.replicas is -1")
DEPLOYMENT = Owner("apps/v1", "Deployment", "users", "d1")
SAID = f"cannot read Deployment users: {WRONG[0]}; it counts as absent until it is corrected"


def poisoned(**changes: Any) -> Observation:
    return seen(workloads=(GatedWorkload(DEPLOYMENT, unreadable=WRONG),), **changes)


def notices(given: Observation) -> list[Notice]:
    return [one for one in plan(given).notices if one.occasion is Occasion.UNREADABLE]


def test_every_condition_says_which_field_of_which_object_cannot_be_read() -> None:
    planned = plan(poisoned())
    assert planned.status.conditions
    assert all(one.message.endswith(f"; {SAID}") for one in planned.status.conditions)
    assert planned.actions


def test_an_event_on_the_object_says_the_same_once() -> None:
    note = f"DatabaseMigration users cannot read {WRONG[0]}; it counts as absent until it is corrected"
    assert notices(poisoned()) == [Notice(Occasion.UNREADABLE, note, warning=True, regarding=DEPLOYMENT)]


def test_a_migration_is_ready_all_the_same() -> None:
    given = poisoned()
    name = name_of(given)
    done = replace(
        given, jobs=(a_job(name, outcome="Complete", unreadable=("it is odd",)),), pods=(ended(name, 0, UP_TO_DATE),)
    )
    assert told(plan(done)) == (Effect.READY, "UpToDate")
    assert f"cannot read Deployment users: {WRONG[0]}; Job {name}: it is odd; it counts" in ready(plan(done)).message


def test_nothing_is_said_where_all_can_be_read() -> None:
    assert notices(seen(workloads=(GatedWorkload(DEPLOYMENT),))) == []
    assert "cannot read" not in ready(plan(seen())).message


def test_pods_of_one_workload_are_spoken_of_once() -> None:
    pods = tuple(replace(a_gated_pod(), name=f"users-{number}", unreadable=("spec is 5",)) for number in range(3))
    given = seen(gated=pods)
    assert len(notices(given)) == 1
    assert ready(plan(given)).message.count("spec is 5") == 1


@pytest.mark.parametrize("many", [3, 4, 100])
def test_of_many_objects_some_are_named_and_the_others_counted(many: int) -> None:
    given = seen(pods=tuple(a_pod(f"users-{number:03}", unreadable=("it is odd",)) for number in range(many)))
    assert len(notices(given)) == many
    message = ready(plan(given)).message
    assert message.count("it is odd") == 3
    assert (f"; and {many - 3} more;" in message) == (many > 3)
