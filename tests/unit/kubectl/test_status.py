"""What `kubectl alembic status` makes of many migrations, missing rights, and a cluster that goes away."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl.commands import changes, status
from alembic_operator.kubectl.main import main
from tests.unit.kubectl.objects import event, held_pod, migration, replica_set, stalled
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


@pytest.mark.parametrize("command", ["status", "tree"])
def test_labels_that_nothing_has_are_an_error_and_not_ready(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": [], "pods": []})
    assert main([command, "-l", "part-of=platfrom"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("error: no DatabaseMigration here has the labels part-of=platfrom; check -l; choose")
    assert main([command]) == 1
    assert "there is no DatabaseMigration here; choose a namespace" in capsys.readouterr().err


def test_a_watch_of_labels_ends_with_an_error_when_the_last_one_that_has_them_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    script(tmp_path, monkeypatch, {"databasemigrations": [migration("Reconciling", "Migrating")], "pods": []})
    monkeypatch.setattr(status, "wait", lambda _: script(tmp_path, monkeypatch, {"databasemigrations": [], "pods": []}))
    assert main(["status", "-l", "part-of=platform", "--watch", "--exit"]) == 1
    assert "no DatabaseMigration here has the labels part-of=platform" in capsys.readouterr().err


@pytest.mark.parametrize("words", [("status", "users", "-l", "a=b"), ("status", "users", "-A"), ("tree", "a", "-l=b")])
def test_a_name_and_a_selection_together_are_refused_because_one_would_be_passed_over(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(list(words)) == 1
    assert "give NAME alone" in capsys.readouterr().err


def test_labels_in_all_namespaces_tell_of_a_dependency_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    waits = called(migration("Reconciling", "WaitingForDependency"), "chat")
    waits["spec"] |= {"dependsOn": [{"name": "users"}]}
    lists = {"one": [waits], "all": [waits, stalled()], "none": []}
    for name, found in lists.items():
        (tmp_path / name).write_text(json.dumps({"items": found}))
    cases = f"*selector=part-of*) cat {tmp_path}/one;; *pods*) cat {tmp_path}/none;;"
    cases += f"*migrations*all-namespaces*) cat {tmp_path}/all;; *) cat {tmp_path}/none;;"
    write(tmp_path, monkeypatch, f'case "$*" in {cases} esac')
    assert main(["status", "-A", "-l", "part-of=platform"]) == 2
    assert "Depends on  shop/users: STALLED (RevisionFailed)" in capsys.readouterr().out


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


def test_a_retry_returns_when_the_status_tells_of_the_new_run_and_says_so_when_nobody_takes_it_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    again = migration("Reconciling", "Pending", lastRun={"job": "users-1111111111", "attempt": 1})
    for name, raw in (("old", stalled()), ("new", again)):
        (tmp_path / name).write_text(json.dumps(raw))
    answer = f"""case "$*" in annotate*) echo annotated;; *) cat {tmp_path}/$(cat {tmp_path}/which);; esac"""
    write(tmp_path, monkeypatch, answer)
    (tmp_path / "which").write_text("old")
    looks: list[float] = []

    def next_look(pace: float) -> None:
        looks.append(pace)
        (tmp_path / "which").write_text("new")

    monkeypatch.setattr(changes, "wait", next_look)
    assert (main(["retry", "users"]), len(looks)) == (0, 1)
    assert main(["retry", "users"]) == 0  # one that waits says so before and after
    assert (len(looks), capsys.readouterr().err) == (1, "")
    (tmp_path / "which").write_text("old")
    monkeypatch.setattr(changes, "PATIENCE", 0.0)
    assert main(["retry", "users"]) == 0
    assert "no operator has taken it up" in capsys.readouterr().err


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
    last: dict[str, Any] = {"lastRun": {"pod": "users-1", "attempt": 1}}
    (tmp_path / "object").write_text(json.dumps(migration(**last)))
    write(tmp_path, monkeypatch, f'case "$*" in *logs*) yes line;; *) cat {tmp_path}/object;; esac')
    plugin = str(Path(sys.executable).parent / "kubectl-alembic")
    with subprocess.Popen([plugin, "logs", "users"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout
        assert running.stdout.readline() == b"line\n"
        running.stdout.close()
        assert running.stderr
        assert (running.stderr.read(), running.wait(20)) == (b"", 1)


def test_of_one_by_its_name_its_refused_pods_are_told_too_although_it_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {"databasemigrations": migration(), "pods": [], "events": [event()]}
    script(tmp_path, monkeypatch, there | {"replicaset": replica_set()})
    assert main(["status", "users"]) == 2
    told = [one for one in capsys.readouterr().out.splitlines() if one and not one.startswith(" ")]
    headline = "pods of Deployment users, ReplicaSet users-6d9f in namespace shop, are REFUSED"
    assert told == ["shop/users: ready (UpToDate)", headline]
    for other in (replica_set(label="agents"), replica_set(has=2)):
        script(tmp_path, monkeypatch, there | {"replicaset": other})
        assert main(["status", "users"]) == 0
    assert "REFUSED" not in capsys.readouterr().out
