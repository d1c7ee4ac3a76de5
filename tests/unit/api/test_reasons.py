import re

import pytest

from alembic_operator.api.meta import Condition
from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect, Reason


@pytest.mark.parametrize("reason", [*Reason, *Occasion])
def test_a_reason_is_one_word_in_camel_case_with_a_sentence(reason: Reason | Occasion) -> None:
    assert re.fullmatch(r"([A-Z][A-Za-z]+)+", reason)
    assert re.fullmatch(r"([A-Z]|spec\.|env\.py ).*[^.]\.", reason.meaning)


def test_the_name_of_a_reason_is_its_word() -> None:
    assert all(one.name.replace("_", "") == one.value.upper() for one in (*Reason, *Occasion))


def test_no_reason_is_given_twice() -> None:
    # An Enum makes the second of two equal values an alias of the first: it is a name, but no member.
    assert set(Reason.__members__) == {one.name for one in Reason}
    assert len({one.meaning for one in Reason}) == len(list(Reason))


def test_a_reason_reads_as_its_word_everywhere() -> None:
    assert f"{Reason.UP_TO_DATE}" == str(Reason.UP_TO_DATE) == "UpToDate"


def test_every_effect_has_a_reason() -> None:
    assert {one.effect for one in Reason} == set(Effect)


@pytest.mark.parametrize("reason", list(Reason))
def test_a_condition_takes_every_reason(reason: Reason) -> None:
    condition = Condition(
        type="Ready",
        status="False",
        reason=reason,
        message=reason.meaning,
        last_transition_time="2026-01-01T00:00:00Z",
    )
    assert condition.model_dump(mode="json")["reason"] == reason.value
