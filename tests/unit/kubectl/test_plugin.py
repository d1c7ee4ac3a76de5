"""The kubectl plugin: what it judges, what it prints at 80 and 120 columns, and what it makes of kubectl's errors."""

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from alembic_operator.kubectl import judgement, screens
from alembic_operator.kubectl.facts import Kubectl, KubectlError, one_sentence
from alembic_operator.kubectl.judgement import Standing, Verdict
from alembic_operator.kubectl.main import main

GOLDENS = Path(__file__).parent / "goldens"
NOW = datetime(2026, 11, 30, 3, 30, tzinfo=UTC)
SINCE = "2026-11-30T03:12:07Z"
MESSAGE = (
    "revision b2: SQLSTATE 42P01: relation [user] does not exist; correct the revision;"
    f" 3 pods of Deployment users held since {SINCE}, for revision b2"
)


def migration(type_: str = "Ready", reason: str = "UpToDate", message: str = "", **status: Any) -> dict[str, Any]:
    ready = {"type": "Ready", "status": "True" if type_ == "Ready" else "False"}
    kinds = [ready] if type_ == "Ready" else [ready, {"type": type_, "status": "True"}]
    told = {"reason": reason, "message": message, "lastTransitionTime": SINCE, "observedGeneration": 2}
    return {
        "metadata": {"namespace": "shop", "name": "users", "generation": 2},
        "spec": {"source": {"image": "shop:2"}},
        "status": {"observedGeneration": 2, "conditions": [one | told for one in kinds]} | status,
    }


def stalled() -> dict[str, Any]:
    last = {"job": "users-0123456789", "attempt": 1, "startedAt": SINCE, "outcome": "RevisionFailed"}
    error = {"statement": "ALTER TABLE [user] ADD COLUMN email_address_of_the_person_who_pays varchar"}
    revisions = {"current": ["a1"], "target": ["b2"], "pending": 1}
    return migration(
        "Stalled", "RevisionFailed", MESSAGE, heldPods=3, revisions=revisions, lastRun=last | {"error": error}
    )


def pod(*, label: str = "users", gate: dict[str, Any] | None = None, annotation: str = "") -> dict[str, Any]:
    init = [{"name": "alembic-gate", "image": "shop:2", "command": ["python", "gate"]}] if gate is not None else []
    return {
        "metadata": {
            "name": "users-1",
            "namespace": "shop",
            "creationTimestamp": SINCE,
            "labels": {"alembic-operator.dev/migration": label} if label else {},
            "annotations": {"alembic-operator.dev/gate": annotation} if annotation else {},
        },
        "spec": {"initContainers": init},
        "status": {"initContainerStatuses": [{"name": "alembic-gate", "state": gate}] if gate else []},
    }


WAITING = {"running": {"startedAt": SINCE}}
OPEN = {"terminated": {"exitCode": 0}}


@pytest.mark.parametrize(
    ("raw", "standing", "headline", "then"),
    [
        (migration(), Standing.READY, "ready (UpToDate)", ""),
        (
            migration("Reconciling", "Migrating"),
            Standing.WAITS,
            "not ready yet (Migrating)",
            "describe dbm users -n shop",
        ),
        (migration("Reconciling", "Suspended"), Standing.WAITS, "(Suspended)", "kubectl alembic resume users -n shop"),
        (stalled(), Standing.STALLED, "STALLED (RevisionFailed)", "logs job/users-0123456789 -n shop -c migrate"),
        (migration(observedGeneration=1), Standing.WAITS, "its latest change was not looked at yet", ""),
        (migration("Stalled", observedGeneration=1), Standing.WAITS, "its latest change was not looked at yet", ""),
        (migration() | {"status": {}}, Standing.WAITS, "no operator has looked at it", "kubectl get deployments -A"),
    ],
)
def test_a_migration_is_judged_in_one_line_with_the_next_command(
    raw: dict[str, Any], standing: Standing, headline: str, then: str
) -> None:
    told = judgement.of_migration(raw)
    assert (told.standing, headline in told.headline, then in told.next) == (standing, True, True), told


@pytest.mark.parametrize(
    ("raw", "of", "standing", "said"),
    [
        (pod(label=""), None, Standing.READY, "waits for no migration"),
        (pod(gate=WAITING), None, Standing.WAITS, "there is no DatabaseMigration users in its namespace"),
        (pod(), migration(), Standing.WAITS, "HAS NO GATE"),
        (pod(annotation="Skip"), migration(), Standing.READY, "started without a gate"),
        (pod(gate=OPEN), migration(), Standing.READY, "is through its gate"),
        (pod(gate=WAITING), migration(), Standing.WAITS, "waits at its gate"),
        (pod(gate=WAITING), stalled(), Standing.STALLED, "waits at its gate"),
    ],
)
def test_a_pod_is_told_why_it_does_not_start(
    raw: dict[str, Any], of: dict[str, Any] | None, standing: Standing, said: str
) -> None:
    told = judgement.of_pod(raw, of, NOW)
    assert (told.standing, said in told.headline) == (standing, True), told


def test_a_held_pod_is_told_in_the_operators_own_words() -> None:
    told = judgement.of_pod(pod(gate=WAITING), stalled(), NOW)
    assert told.why == f"1 pod of Pod users-1 held since {SINCE}, for revision b2"


@pytest.mark.parametrize(
    ("standings", "together"),
    [((0, 0), 0), ((0, 2), 2), ((2, 3), 3), ((0, 3), 3), ((1, 3), 1), ((), 0)],
)
def test_of_several_the_worst_is_the_exit_code(standings: tuple[int, ...], together: int) -> None:
    assert judgement.worst(Verdict(Standing(one), "") for one in standings) == together


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", ["status", "why"])
def test_a_screen_is_the_golden_text(name: str, width: int, request: pytest.FixtureRequest) -> None:
    told = {
        "status": [judgement.of_migration(one) for one in (migration(message="nothing had to be applied"), stalled())],
        "why": [judgement.of_pod(pod(gate=WAITING), stalled(), NOW)],
    }
    console = Console(file=io.StringIO(), width=width, highlight=False)
    console.print(screens.verdicts(told[name]))
    written = "".join(f"{line.rstrip()}\n" for line in console.file.getvalue().splitlines())  # type: ignore[attr-defined]
    path = GOLDENS / f"{name}-{width}.txt"
    if request.config.getoption("update_goldens"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(written)
    assert written == (path.read_text() if path.exists() else ""), "look at it, or write it: --update-goldens"


@pytest.mark.parametrize(
    ("stderr", "then"),
    [
        ('error: the server doesn\'t have a resource type "databasemigrations"', "install the operator's chart"),
        ('error: context "x" does not exist', "with --context"),
        ("error: You must be logged in to the server (Unauthorized)", "log in to the cluster"),
        ('Error from server (Forbidden): pods is forbidden: User "x" cannot list', "ask for a role"),
        ('Error from server (NotFound): pods "x" not found', "check the name and the namespace"),
        (
            "The connection to the server localhost:8080 was refused - did you specify the right host?",
            "API server is up",
        ),
    ],
)
def test_an_error_of_kubectl_becomes_one_sentence_with_what_to_do(stderr: str, then: str) -> None:
    said = one_sentence(f"E1130 12:00:00 memcache.go:265 noise\n{stderr}\n")
    assert (then in said, "\n" in said, "noise" in said) == (True, False, False), said


def test_a_missing_kubectl_is_told(tmp_path: Path) -> None:
    with pytest.raises(KubectlError, match="install kubectl"):
        Kubectl(binary=str(tmp_path / "kubectl")).run("version")


def test_a_wrong_command_line_is_an_error_and_not_a_migration_that_is_not_ready(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert (main(["nonsense"]), main(["--help"])) == (1, 0)
    assert "invalid choice" in capsys.readouterr().err


def test_a_reason_is_explained_in_any_case_of_letters(capsys: pytest.CaptureFixture[str]) -> None:
    assert (main(["explain", "locktimeout"]), main(["explain", "Nonsense"])) == (0, 1)
    told = capsys.readouterr()
    assert told.out.startswith("LockTimeout (Reconciling): A revision did not get its table lock")
    assert "there is no reason Nonsense" in told.err
