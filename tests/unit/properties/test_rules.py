"""A rule gives no reason that its row in the page of decisions does not have, whatever is seen."""

from hypothesis import given

from alembic_operator.core.decide.order import OF_THE_RUN
from alembic_operator.core.observation.controlled import only_controlled
from tests.unit.core.test_order import deciding
from tests.unit.properties import foreign
from tests.unit.properties.foreign import Choices
from tests.unit.properties.test_plans import observation


@given(choose=foreign.choices)
def test_no_rule_gives_another_reason_whatever_is_seen(choose: Choices) -> None:
    rule, reason = deciding(only_controlled(observation(choose)))
    assert reason in rule.gives or OF_THE_RUN in rule.gives
