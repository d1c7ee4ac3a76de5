"""What `kubectl alembic history` and `logs` print; kubectl is a script here: its own log needs a node."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alembic_operator.kubectl import lines
from alembic_operator.kubectl.commands import logs
from alembic_operator.kubectl.facts import Kubectl, KubectlError
from alembic_operator.kubectl.main import main
from tests.unit.kubectl.scripted import write

TIME = "2026-11-30T03:12:07.123Z"
RUN = {
    "finishedAt": "2026-11-30T03:12:07Z",
    "from": ["a1"],
    "to": ["b2", "c3"],
    "image": "shop:2",
    "outcome": "UpToDate",
}
TRACE = "Traceback (most recent call last):\n  File \"env.py\", line 1\nKeyError: 'x'\n"


def kubectl(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, status: dict[str, Any], log: str = "", code: int = 0
) -> None:
    """Put a program of this name in PATH, which answers `get` and `logs` and writes down what it was asked."""
    whole = {"metadata": {"namespace": "shop", "name": "users", "generation": 1}, "spec": {}, "status": status}
    (folder / "object").write_text(json.dumps(whole))
    (folder / "log").write_text(log)
    answer = f'case "$1" in get) cat {folder}/object;; logs) cat {folder}/log; exit {code};; esac'
    (folder / "kubectl").write_text(f'#!/bin/sh\necho "$@" >> {folder}/asked\n{answer}\n')
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize(
    ("raw", "text", "below"),
    [
        ("INFO [alembic] as env.py prints", "INFO [alembic] as env.py prints", ""),
        ("[1]", "[1]", ""),
        ('{"no": "event"}', '{"no": "event"}', ""),
        ("[" * 100_000, "[" * 100_000, ""),
        (
            json.dumps({"time": TIME, "level": "info", "event": "locked", "ms": 3}),
            "2026-11-30 03:12:07 locked ms=3",
            "",
        ),
        (
            json.dumps(
                {"time": TIME, "level": "error", "event": "failed", "of": ["b2"], "said": "no x", "traceback": TRACE}
            ),
            '2026-11-30 03:12:07 ERROR failed of=["b2"] said="no x"',
            TRACE.rstrip(),
        ),
        ("\x1b[2Jgone", "\\x1b[2Jgone", ""),
        (json.dumps({"event": "a\x1b[2J", "traceback": "b\x1b\n"}), "a\\x1b[2J", "b\\x1b"),
    ],
)
def test_a_line_is_read_for_people_and_cannot_steer_the_terminal(raw: str, text: str, below: str) -> None:
    told = lines.read(raw)
    assert (told.text, told.below) == (text, below)


def test_history_is_a_table_with_the_newest_run_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, monkeypatch, status={"history": [RUN, RUN | {"outcome": "RevisionFailed", "to": []}]})
    assert main(["history", "users"]) == 0
    assert [one.split() for one in capsys.readouterr().out.splitlines()] == [
        ["FINISHED", "OUTCOME", "FROM", "TO", "IMAGE"],
        ["2026-11-30T03:12:07Z", "UpToDate", "a1", "b2,", "c3", "shop:2"],
        ["2026-11-30T03:12:07Z", "RevisionFailed", "a1", "no", "revision", "shop:2"],
    ]


def test_logs_of_a_gate_that_migrated_are_followed_and_their_traceback_is_unfolded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    log = json.dumps({"time": TIME, "level": "error", "event": "failed", "traceback": TRACE})
    last = {"pod": "users-1", "attempt": 1}
    kubectl(tmp_path, monkeypatch, status={"lastRun": last}, log=f"[bold]printed\n{log}\n")
    assert main(["logs", "users", "--follow"]) == 0
    assert (tmp_path / "asked").read_text().splitlines()[-1] == "logs users-1 --container=alembic-gate --follow"
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == ["[bold]printed", "2026-11-30 03:12:07 ERROR failed", "    Traceback (most recent call last):"]


def pod(name: str, second: int, phase: str, state: str) -> dict[str, Any]:
    main = {"name": "migrate", "state": {state: {}}}
    metadata = {"name": name, "creationTimestamp": f"2026-11-30T03:12:{second:02}Z"}
    return {"metadata": metadata, "status": {"phase": phase, "containerStatuses": [main]}}


def scenes(folder: Path, monkeypatch: pytest.MonkeyPatch, *after: tuple[dict[str, Any], list[dict[str, Any]]]) -> None:
    """Answer with the first Job and pods; each call of `logs` that ends brings the next ones."""
    status = {"lastRun": {"job": "users-0123456789", "attempt": 1}}
    whole = {"metadata": {"namespace": "shop", "name": "users", "generation": 1}, "spec": {}, "status": status}
    (folder / "object").write_text(json.dumps(whole))
    for number, (job, pods) in enumerate(after):
        (folder / f"job{number}").write_text(json.dumps({"metadata": {}, "status": job}))
        (folder / f"pods{number}").write_text(json.dumps({"items": pods}))
    (folder / "scene").write_text("0")
    body = f"""cd {folder}; now=$(cat scene)
case "$1 $2" in
  "get job") [ -f job$now ] && cat job$now || {{ echo "Error from server (NotFound): no" >&2; exit 1; }};;
  "get pods") cat pods$now 2>/dev/null || echo '{{}}';;
  get*) cat object;;
  logs*) echo "$@" >> asked; cat $2.log; echo $((now + 1)) > scene;;
esac"""
    write(folder, monkeypatch, body)


def test_logs_follow_the_job_from_one_pod_to_the_next_until_it_has_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logs, "_PACE", 0.01)
    (tmp_path / "a.log").write_text("one\ntwo\n")
    (tmp_path / "b.log").write_text("three\n")
    under_way: dict[str, Any] = {}
    ended = {"conditions": [{"type": "Complete", "status": "True"}]}
    running, failed = pod("a", 1, "Running", "running"), pod("a", 1, "Failed", "terminated")
    starting, second = pod("b", 2, "Pending", "waiting"), pod("b", 2, "Running", "running")
    scenes(
        tmp_path,
        monkeypatch,
        (under_way, [running, starting]),  # the log of `a` ends before `a` does
        (under_way, [second, failed]),
        (under_way, [second, failed]),
        (ended, [second, failed]),
    )
    assert main(["logs", "users", "--follow"]) == 0
    told = capsys.readouterr()
    assert told.out.splitlines() == ["one", "two", "three"]
    assert told.err == "another attempt, pod b:\n"
    asked = set((tmp_path / "asked").read_text().splitlines())
    assert asked == {f"logs {one} --container=migrate --follow" for one in "ab"}


def test_without_follow_the_attempts_that_there_are_are_printed_the_oldest_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in "ab":
        (tmp_path / f"{name}.log").write_text(f"{name}\n")
    there = [pod("b", 2, "Running", "running"), pod("a", 1, "Failed", "terminated"), pod("c", 3, "Pending", "waiting")]
    scenes(tmp_path, monkeypatch, *[({}, there)] * 3)
    assert main(["logs", "users"]) == 0
    assert capsys.readouterr().out.splitlines() == ["a", "b"]


def test_logs_of_a_job_without_a_pod_say_where_to_look_and_with_follow_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    later = SimpleNamespace(sleep=lambda _: (tmp_path / "scene").write_text("1"))
    monkeypatch.setattr("alembic_operator.kubectl.commands.logs.time", later)
    failed = {"conditions": [{"type": "Failed", "status": "True"}]}
    scenes(tmp_path, monkeypatch, ({}, []), (failed, []))
    waiting = "no pod of Job users-0123456789 has started; `kubectl alembic status users` tells why\n"
    assert main(["logs", "users"]) == 1
    assert capsys.readouterr().err == f"error: {waiting}"
    assert main(["logs", "users", "--follow"]) == 1
    assert capsys.readouterr().err == f"{waiting}error: {waiting}"


@pytest.mark.parametrize("command", ["history", "logs"])
def test_a_migration_that_has_not_run_is_told_as_such(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, monkeypatch, status={})
    assert main([command, "users"]) == 1
    assert "`kubectl alembic status users` tells" in capsys.readouterr().err


def test_a_log_that_is_gone_with_its_job_is_told_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scenes(tmp_path, monkeypatch)
    assert main(["logs", "users"]) == 1
    assert (
        "the log of the last run is gone, with its Job or pod; `kubectl alembic history users`"
        in capsys.readouterr().err
    )


def test_a_log_that_kubectl_cannot_get_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, monkeypatch, status={"lastRun": {"pod": "users-1", "attempt": 1}}, code=1)
    assert main(["logs", "users"]) == 1
    assert capsys.readouterr().err.startswith("error: kubectl failed")
    with pytest.raises(KubectlError, match="install kubectl"):
        list(Kubectl(binary=str(tmp_path / "missing")).lines("logs"))
