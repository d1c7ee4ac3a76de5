"""What the plugin says of imports: their screens, the pods that wait for one, the log of its steps."""

import json
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl import screens
from alembic_operator.kubectl.diagnosis import imports
from alembic_operator.kubectl.diagnosis import migration as migrations
from alembic_operator.kubectl.diagnosis import pod as of_pods
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings
from alembic_operator.kubectl.diagnosis.tree import branches
from alembic_operator.kubectl.main import main
from tests.unit.kubectl.objects import NOW, SINCE, WAITING, migration, pod
from tests.unit.kubectl.scripted import script, write
from tests.unit.kubectl.test_screens import STEERING, drawn

ORPHANS = {
    "kind": "orphans",
    "table": "posts",
    "column": "author_id",
    "rows": 12,
    "rowIds": [4, 5, 6],
    "message": "refer to no row of users; spec.orphans: SetNull or Quarantine, or correct them",
}
FILLED = {"kind": "target-not-empty", "table": "users", "message": "has rows in PostgreSQL; empty the table"}
MIGRATION = migration() | {"spec": {"source": {"image": "shop:2"}, "policy": {"awaitImport": "past"}}}


def past(type_: str, reason: str, message: str = "", **status: Any) -> dict[str, Any]:
    claim = {"persistentVolumeClaim": {"claimName": "blog-data"}}
    found = migration(type_, reason, message, **status)
    found["metadata"]["name"] = "past"
    return found | {"spec": {"migrationRef": {"name": "users"}, "from": {"sqlite": {"volume": claim, "path": "b.db"}}}}


def stalled() -> dict[str, Any]:
    said = "12 findings stand in the way, and nothing was written; posts.author_id: refer to no row of users"
    told = {"job": "past-import-0123456789", "finishedAt": SINCE, "findings": [ORPHANS, FILLED], "findingsTotal": 12}
    return past("Stalled", "Findings", said, **told)


def imported() -> dict[str, Any]:
    done = {"importedAt": SINCE, "rows": 7000, "tables": 2, "rowsPerSecond": 2000, "downtimeSeconds": 9.4}
    return past("Ready", "Imported", "7000 rows of 2 tables are in the database: compared, and equal", **done)


def around(*found: dict[str, Any]) -> Surroundings:
    return Surroundings(NOW, imports=found)


def scenes() -> dict[str, Any]:
    waits = pod(gate=WAITING)
    return {
        "imports": screens.diagnoses([imports.diagnose(one) for one in (stalled(), imported())]),
        "why-import": screens.diagnoses([of_pods.diagnose(waits, MIGRATION, around(stalled()))]),
        "tree-import": screens.trees(branches(["users"], {"users": MIGRATION}, [stalled()])),
    }


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("name", scenes())
def test_a_screen_of_an_import_is_the_golden_text(name: str, width: int, request: pytest.FixtureRequest) -> None:
    written = drawn(scenes()[name], width)
    path = Path(__file__).parent / "goldens" / f"{name}-{width}.txt"
    if request.config.getoption("update_goldens"):
        path.write_text(written)
    assert written == (path.read_text() if path.exists() else ""), "look at it, or write it: --update-goldens"


NEXT = {
    "WaitingForMigration": "kubectl alembic status users -n shop",
    "WaitingForPreviousJob": "kubectl get jobs,pods -n shop -l alembic-operator.dev/import",
    "WaitingForVolume": "kubectl describe pods -n shop -l alembic-operator.dev/import=past",
    "PodNotCreated": "kubectl describe jobs -n shop -l alembic-operator.dev/import=past",
    "Importing": "kubectl alembic logs dbi/past -n shop --follow",
    "DeadlineExceeded": "kubectl edit dbi past -n shop",
    "Tomorrow": "kubectl alembic logs dbi/past -n shop --follow",
}


@pytest.mark.parametrize(("reason", "then"), NEXT.items())
def test_each_wait_has_something_to_type(reason: str, then: str) -> None:
    told = imports.diagnose(past("Reconciling", reason, job="past-import-0123456789"))
    assert (told.standing, told.next) == (2, then)


def test_an_import_that_nobody_has_looked_at_or_changed_since_is_not_ready() -> None:
    unseen = past("Ready", "Imported") | {"status": {}}
    assert imports.diagnose(unseen).headline == "import shop/past: no operator has looked at it"
    changed = imported()
    changed["metadata"]["generation"] = 3
    assert imports.diagnose(changed).standing == 2


def test_a_pod_whose_import_is_ready_or_unknown_is_told_of_as_before() -> None:
    waits = pod(gate=WAITING)
    for seen in (around(imported()), Surroundings(NOW)):
        assert of_pods.diagnose(waits, MIGRATION, seen).headline == "pod users-1 waits at its gate"
    missing = of_pods.diagnose(waits, MIGRATION, around())
    assert missing.facts[1] == ("Import", "shop/past: there is no such DatabaseImport")
    told = dict(migrations.diagnose(MIGRATION, around(stalled())).facts)
    assert told["Import"].startswith("shop/past: STALLED (Findings); 12 findings")
    assert "Import" not in dict(migrations.diagnose(MIGRATION, around(imported())).facts)


def test_that_no_pod_waits_for_it_stands_in_a_line_of_its_own() -> None:
    said = "pod x runs; no pod waits for this import: set spec.policy.awaitImport: past in the migration"
    told = imports.diagnose(past("Reconciling", "Importing", said))
    gate = ("Gate", "no pod waits for this import: set spec.policy.awaitImport: past in the migration")
    assert (told.why, gate in told.facts) == ("pod x runs", True)


def test_an_import_of_another_migration_is_said_to_be_none_to_wait_for() -> None:
    other = imported()
    other["spec"]["migrationRef"]["name"] = "chat"
    told = of_pods.diagnose(pod(gate=WAITING), MIGRATION, around(other))
    assert (told.standing, told.next) == (3, "kubectl edit dbm users -n shop")
    assert told.why.startswith("it fills the database of DatabaseMigration chat")


def test_no_text_of_an_import_steers_the_terminal() -> None:
    finding = {"kind": STEERING, "table": STEERING, "column": STEERING, "message": STEERING}
    raw = past("Stalled", STEERING, STEERING, job=STEERING, findings=[finding], findingsTotal=1)
    raw["spec"]["from"]["sqlite"]["path"] = STEERING
    told = drawn(screens.diagnoses([imports.diagnose(raw)]), 80)
    assert not set(told) & {"\x1b", "\u202e", "\r", "\u2028"}
    assert sum(one.startswith("  Next") for one in told.splitlines()) == 1


def test_the_exit_code_is_that_of_the_worst_and_the_log_has_each_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ended = {"terminated": {"exitCode": 0}}
    begun = [{"name": "copy", "state": ended}, {"name": "upgrade", "state": {"waiting": {}}}]
    one = {
        "metadata": {"name": "past-1", "creationTimestamp": SINCE},
        "status": {"initContainerStatuses": begun, "containerStatuses": [{"name": "load", "state": ended}]},
    }
    named = "databaseimports.alembic-operator.dev"
    script(tmp_path, monkeypatch, {named: [stalled(), imported()]})
    assert main(["imports", "-o", "json"]) == 3
    first, second = json.loads(capsys.readouterr().out)
    assert (first["standing"], second["standing"]) == ("Stalled", "Ready")
    answers = {named: stalled(), "job": {}, "pods": [one]}
    script(tmp_path, monkeypatch, answers, log="findings: see the status\n")
    assert main(["logs", "dbi/past"]) == 0
    told = capsys.readouterr()
    assert told.err.splitlines() == ["pod past-1, container copy:", "pod past-1, container load:"]
    assert told.out == "findings: see the status\n" * 2


def test_an_import_is_tried_again_by_its_annotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, monkeypatch, f'echo "$@" > {tmp_path}/asked')
    assert main(["retry", "dbi/past"]) == 0
    asked = (tmp_path / "asked").read_text()
    assert asked.startswith(
        "annotate databaseimports.alembic-operator.dev past --overwrite alembic-operator.dev/retry="
    )
