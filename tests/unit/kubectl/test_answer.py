"""What the plugin makes of the runner's answers."""

import json

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Failure, Result
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.runs.run import RunEnd
from alembic_operator.kubectl.diagnosis import answer
from tests.unit.kubectl.objects import migration

FAILURE = Failure("cannot connect", hint="Start it.")


@pytest.mark.parametrize(
    ("reason", "result", "standing", "said"),
    [
        (Reason.UP_TO_DATE, Result("UpToDate", to=("b2",), target=("b2",)), 0, "read back"),
        (Reason.PENDING, Result("Pending", to=("a1",), target=("c3",), pending=2), 2, "2 revisions to apply"),
        (Reason.DIVERGED, Result("Diverged", to=("x",), error=Failure("unknown", hint="Merge.")), 3, "unknown; Merge"),
        (Reason.DATABASE_UNREACHABLE, Result("DatabaseUnreachable", error=FAILURE), 2, "cannot connect; Start it"),
        (Reason.RETRYING, None, 1, "OOMKilled"),
    ],
)
def test_an_answer_of_check_is_told_with_its_exit_code(
    reason: Reason, result: Result | None, standing: int, said: str
) -> None:
    error = result.error if result else Failure("OOMKilled")
    told = answer.of_check(read_migration(migration()), RunEnd(reason, error, result, None))
    assert (told.standing, said in told.why) == (standing, True), told
    assert told.headline.startswith("shop/users: ")


def test_the_plan_is_told_apart_from_the_log_that_kubectl_mixes_into_it() -> None:
    entry = json.dumps({"event": "connected", "level": "info"})
    log = ["printed by env.py", entry, "-- What `upgrade --target heads` would run:", entry, "SELECT 1;", "{}"]
    sql, others = answer.of_plan(log)
    assert sql == ["-- What `upgrade --target heads` would run:", "SELECT 1;", "{}"]
    assert others == ["printed by env.py", entry, entry]
