"""The kubectl plugin: what it judges, what it prints at 80 and 120 columns, and what it makes of kubectl's errors."""

import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl.diagnosis import migration as migrations
from alembic_operator.kubectl.diagnosis import pod as of_pods
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing, worst
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from alembic_operator.kubectl.facts import Kubectl, KubectlError, one_sentence
from alembic_operator.kubectl.main import main
from tests.unit.kubectl.objects import NOW, OPEN, SINCE, WAITING, migration, pod, stalled

ALONE = Surroundings(NOW)


@pytest.mark.parametrize(
    ("raw", "standing", "headline", "then"),
    [
        (migration(), Standing.READY, "ready (UpToDate)", ""),
        (
            migration("Reconciling", "Migrating"),
            Standing.WAITS,
            "not ready yet (Migrating)",
            "kubectl alembic explain Migrating",
        ),
        (migration("Reconciling", "Suspended"), Standing.WAITS, "(Suspended)", "kubectl alembic resume users -n shop"),
        (stalled(), Standing.STALLED, "STALLED (RevisionFailed)", "kubectl alembic logs users -n shop"),
        (migration(observedGeneration=1), Standing.WAITS, "its latest change was not looked at yet", ""),
        (migration("Stalled", observedGeneration=1), Standing.WAITS, "its latest change was not looked at yet", ""),
        (migration() | {"status": {}}, Standing.WAITS, "no operator has looked at it", "kubectl get deployments -A"),
    ],
)
def test_a_migration_is_judged_in_one_line_with_the_next_command(
    raw: dict[str, Any], standing: Standing, headline: str, then: str
) -> None:
    told = migrations.diagnose(raw, ALONE)
    assert (told.standing, headline in told.headline, then in told.next) == (standing, True, True), told


@pytest.mark.parametrize(
    ("raw", "of", "standing", "said"),
    [
        (pod(label=""), None, Standing.READY, "waits for no migration"),
        (pod(gate=WAITING), None, Standing.WAITS, "there is no DatabaseMigration users in namespace shop"),
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
    told = of_pods.diagnose(raw, of, ALONE)
    assert (told.standing, said in told.headline) == (standing, True), told


def test_a_held_pod_is_told_in_the_operators_own_words() -> None:
    told = of_pods.diagnose(pod(gate=WAITING), stalled(), ALONE)
    assert told.why == f"1 pod of Pod users-1 held since {SINCE}, for revision b2"


@pytest.mark.parametrize(
    ("standings", "together"),
    [((0, 0), 0), ((0, 2), 2), ((2, 3), 3), ((0, 3), 3), ((1, 3), 1), ((), 0)],
)
def test_of_several_the_worst_is_the_exit_code(standings: tuple[int, ...], together: int) -> None:
    assert worst(Diagnosis(Standing(one), "") for one in standings) == together


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


def test_installed_without_its_extra_it_says_how_pipx_brings_that(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --force: pipx leaves alone what it has installed, and nothing would have changed."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert main(["status"]) == 1
    assert "run `pipx install --force 'alembic-operator[kubectl]'`" in capsys.readouterr().err
