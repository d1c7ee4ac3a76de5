"""What `kubectl alembic status` makes of many migrations, missing rights, and a cluster that goes away."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl.commands import status
from alembic_operator.kubectl.main import main
from tests.unit.kubectl.objects import held_pod, migration, stalled
from tests.unit.kubectl.scripted import script, write


def called(raw: dict[str, Any], name: str) -> dict[str, Any]:
    return raw | {"metadata": raw["metadata"] | {"name": name}}


def several() -> list[dict[str, Any]]:
    waits = called(migration("Reconciling", "Migrating"), "b")
    return [called(migration(message="nothing to do"), "a"), waits, called(stalled(), "c")]


def test_of_several_the_worst_comes_first_below_one_line_that_counts_them_and_ready_ones_take_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": several(), "pods": []})
    assert main(["status", "-A"]) == 3
    told = [one for one in capsys.readouterr().out.splitlines() if one and not one.startswith(" ")]
    assert told == [
        "1 STALLED, 1 not ready yet, 1 ready",
        "shop/c: STALLED (RevisionFailed)",
        "shop/b: not ready yet (Migrating)",
        "shop/a: ready (UpToDate)",
    ]


def test_pods_whose_label_names_no_migration_are_told_where_they_run_without_a_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ungated = held_pod("x", label="nobody")
    ungated["spec"]["initContainers"] = []
    script(tmp_path, monkeypatch, {"databasemigrations": [], "pods": [ungated, held_pod("y", label="gone")]})
    assert main(["status", "-o", "json"]) == 2
    (told,) = json.loads(capsys.readouterr().out)
    assert told["headline"] == "shop/nobody: there is no such DatabaseMigration"
    assert told["facts"] == {"No gate": ["1 pod of Pod x WITHOUT A GATE"]}


def test_what_may_not_be_looked_at_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": stalled()})
    assert main(["status", "users", "--context=far away"]) == 3
    told = capsys.readouterr().out
    assert "Held pods  3\n" in told  # as the status says
    assert "Next       kubectl alembic logs users -n shop '--context=far away'\n" in told


def test_a_watch_outlives_a_cluster_that_goes_away_and_ends_when_it_is_decided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": migration("Reconciling", "Migrating"), "pods": []})
    looks: list[str] = []

    def next_look(_: float) -> None:
        looks.append("")
        if len(looks) == 1:
            write(tmp_path, monkeypatch, 'echo "The connection to the server was refused" >&2; exit 1')
        else:
            script(tmp_path, monkeypatch, {"databasemigrations": stalled(), "pods": []})

    monkeypatch.setattr(status, "wait", next_look)
    assert main(["status", "users", "--exit"]) == 3
    told = capsys.readouterr().out
    assert [one in told for one in ("(Migrating)", "the cluster does not answer", "STALLED (RevisionFailed)")] == [
        True
    ] * 3
    assert len(looks) == 2


def test_a_watch_that_cannot_begin_is_an_error_and_one_whose_time_is_over_says_how_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, monkeypatch, 'echo "Unauthorized" >&2; exit 1')
    assert main(["status", "users", "--exit"]) == 1
    script(tmp_path, monkeypatch, {"databasemigrations": migration("Reconciling", "Migrating")})
    assert main(["status", "users", "--exit", "--timeout=10ms"]) == 2


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_only_a_terminal_gets_colours(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    coloured: bool,
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": stalled()})
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["status", "users"]) == 3
    assert ("\x1b[1;31m" in capsys.readouterr().out) is coloured
    monkeypatch.setenv("NO_COLOR", "1")
    assert main(["status", "users"]) == 3
    assert "\x1b[1;31m" not in capsys.readouterr().out


def test_a_reader_that_has_seen_enough_ends_a_log_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    last: dict[str, Any] = {"lastRun": {"job": "users-0123456789", "attempt": 1}}
    (tmp_path / "object").write_text(json.dumps(migration(**last)))
    write(tmp_path, monkeypatch, f'case "$*" in *logs*) yes line;; *) cat {tmp_path}/object;; esac')
    plugin = str(Path(sys.executable).parent / "kubectl-alembic")
    with subprocess.Popen([plugin, "logs", "users"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"line\n"
        running.stdout.close()
        assert running.stderr
        assert (running.stderr.read(), running.wait(20)) == (b"", 1)
