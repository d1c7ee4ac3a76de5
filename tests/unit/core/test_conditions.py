from datetime import timedelta

import pytest

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core.observation.conditions import is_ready, reason_of
from alembic_operator.core.status.conditions import conditions
from tests.unit.core.builders import NOW, at

LATER = NOW + timedelta(seconds=9)
OF_EFFECT = {
    Effect.READY: [("Ready", "True")],
    Effect.RECONCILING: [("Ready", "False"), ("Reconciling", "True")],
    Effect.STALLED: [("Ready", "False"), ("Stalled", "True")],
}


@pytest.mark.parametrize("reason", list(Reason), ids=str)
def test_a_reason_shows_its_effect_as_kstatus_reads_it(reason: Reason) -> None:
    written = conditions((), reason, "why", generation=3, now=NOW)
    assert [(one.type, one.status) for one in written] == OF_EFFECT[reason.effect]
    assert {(one.reason, one.message, one.observed_generation) for one in written} == {(str(reason), "why", 3)}
    assert is_ready(written) is (reason.effect is Effect.READY)
    assert reason_of(written) == str(reason)


def test_the_time_of_the_last_transition_stays_while_the_status_is_the_same() -> None:
    first = conditions((), Reason.PENDING, "created", generation=1, now=NOW)
    second = conditions(first, Reason.MIGRATING, "running", generation=2, now=LATER)
    assert {one.last_transition_time for one in second} == {at(0)}


def test_the_time_of_the_last_transition_is_now_when_the_status_changes() -> None:
    first = conditions((), Reason.PENDING, "created", generation=1, now=NOW)
    second = conditions(first, Reason.REVISION_FAILED, "broken", generation=1, now=LATER)
    third = conditions(second, Reason.UP_TO_DATE, "done", generation=1, now=LATER)
    assert [(one.type, one.last_transition_time) for one in second] == [("Ready", at(0)), ("Stalled", at(9))]
    assert [(one.type, one.last_transition_time) for one in third] == [("Ready", at(9))]


def test_without_conditions_nothing_is_ready_and_there_is_no_reason() -> None:
    assert not is_ready(())
    assert reason_of(()) == ""
