"""What the plugin makes of the runner's answers."""

import json
from pathlib import Path

import pytest

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Failure, Result
from alembic_operator.contract.fleet import Fleet
from alembic_operator.core.observation.migrations import read_migration
from alembic_operator.core.runs.run import RunEnd
from alembic_operator.kubectl.diagnosis import answer
from alembic_operator.kubectl.diagnosis.diagnosis import Standing
from alembic_operator.kubectl.main import main
from tests.unit.kubectl import scripted
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


ASK = """
case "$*" in
*"get "*databasemigration*) cat {folder}/migration;;
*"get configmap"*) echo '{{}}';;
*create*) echo '{{"metadata": {{"name": "users-tenants-x"}}}}';;
*"get pods"*) cat {folder}/pods;;
*logs*) cat {folder}/log;;
*delete*) ;;
*) echo "unexpected: $*" >&2; exit 1;;
esac"""
ROWS = [{"tenant": "ws_1", "outcome": "RevisionFailed", "sqlstate": "23505"}, {"tenant": "ws_2", "outcome": "UpToDate"}]


@pytest.mark.parametrize(("flags", "names"), [((), ["ws_1", "ws_2"]), (("--failed",), ["ws_1"])])
def test_tenants_are_asked_for_by_a_job_and_those_that_failed_make_the_exit_code(
    flags: tuple[str, ...],
    names: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    raw = migration()
    raw["spec"] |= {"source": {"image": "users:1"}, "tenants": {"names": ["ws_1"]}}
    (tmp_path / "migration").write_text(json.dumps(raw))
    result = Result("UpToDate", tenants=Fleet(2, 1, 0, 1))
    ended = {"exitCode": 0, "message": result.to_json(), "reason": "Completed"}
    statuses = [{"name": "migrate", "state": {"terminated": ended}}]
    pod = {"metadata": {"name": "p"}, "status": {"phase": "Succeeded", "containerStatuses": statuses}}
    (tmp_path / "pods").write_text(json.dumps({"items": [pod]}))
    (tmp_path / "log").write_text(
        "\n".join(["said by env.py", '{"event": "ended", "tenant": "ws_1"}', *map(json.dumps, ROWS)])
    )
    scripted.write(tmp_path, monkeypatch, ASK.format(folder=tmp_path))
    assert main(["tenants", "users", "-o", "json", *flags]) == Standing.STALLED
    told = capsys.readouterr()
    assert [one["tenant"] for one in json.loads(told.out)] == names
    assert "1 of 2 tenants are up to date" in told.err


def test_the_plan_is_told_apart_from_the_log_that_kubectl_mixes_into_it() -> None:
    entry = json.dumps({"event": "connected", "level": "info"})
    log = ["printed by env.py", entry, "-- What `upgrade --target heads` would run:", entry, "SELECT 1;", "{}"]
    sql, others = answer.of_plan(log)
    assert sql == ["-- What `upgrade --target heads` would run:", "SELECT 1;", "{}"]
    assert others == ["printed by env.py", entry, entry]
