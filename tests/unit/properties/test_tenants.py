"""A status with tenants stays small, whatever anybody says of them."""

from hypothesis import given

from alembic_operator.api.status import Status
from alembic_operator.contract import Failure, Result
from alembic_operator.contract.fleet import Fleet, Group
from alembic_operator.core.observation import fleet
from tests.unit.core.life import Life
from tests.unit.core.test_tenants import SPEC, progressed
from tests.unit.properties import foreign
from tests.unit.properties.foreign import Choices

TEXTS = ["", "ws_7", "x" * 64, "x" * 5000, "𝄞" * 1200, '"' * 1100, "\x1b[31m\n", "\ud800"]
NUMBERS = [0, 7, 128, -1, 10**30]


def texts(choose: Choices, most: int) -> tuple[str, ...]:
    return tuple(choose.one(TEXTS) for _ in range(choose.below(most)))


def a_group(choose: Choices) -> Group:
    return Group(choose.one(NUMBERS), texts(choose, 12), *(choose.one(TEXTS) for _ in range(6)))


def a_fleet(choose: Choices) -> Fleet:
    """Return what anybody may say of tenants."""
    return Fleet(
        total=choose.one(NUMBERS),
        up_to_date=choose.one(NUMBERS),
        behind=choose.one(NUMBERS),
        failed=choose.one(NUMBERS),
        phase=choose.one(TEXTS),
        failures=tuple(a_group(choose) for _ in range(choose.below(20))),
        drifted=choose.one(NUMBERS),
        drifted_names=texts(choose, 12),
        eta_seconds=choose.one([None, *NUMBERS]),
        slowest=choose.one(TEXTS),
    )


@given(choose=foreign.choices)
def test_a_status_with_tenants_is_small_whatever_a_run_says_of_them(choose: Choices) -> None:
    is_running, found, life = choose.below(2), a_fleet(choose), Life(SPEC)
    life.look()
    life.pod_runs()
    if is_running:
        planned = progressed(life, fleet.clean(found), "x" * 200)
    else:
        error = Failure("𝄞" * 200, "12345", "r" * 200, "s" * 300, "h" * 300)
        heads = tuple(f"{number:x}" * 20 for number in range(40))
        life.job_ends(70, Result("RevisionFailed", heads, heads, heads, error=error, tenants=found))
        planned = life.look()
    written = planned.status.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True)
    assert len(written.encode()) <= 8192
    Status.model_validate_json(written)
    assert planned.status.tenants
    assert "\\u001b" not in written
