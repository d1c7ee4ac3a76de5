"""What `kubectl alembic history` and `logs` print; kubectl is a script here: its own log needs a node."""

import json
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.kubectl import lines
from alembic_operator.kubectl.facts import Kubectl, KubectlError
from alembic_operator.kubectl.main import main

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


@pytest.mark.parametrize(
    ("run", "asked"),
    [
        ({"job": "users-0123456789"}, "logs job/users-0123456789 --container=migrate --follow"),
        ({"pod": "users-1"}, "logs users-1 --container=alembic-gate --follow"),
    ],
)
def test_logs_follow_the_last_run_and_unfold_its_traceback(
    run: dict[str, str],
    asked: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    log = json.dumps({"time": TIME, "level": "error", "event": "failed", "traceback": TRACE})
    kubectl(tmp_path, monkeypatch, status={"lastRun": run | {"attempt": 1}}, log=f"[bold]printed\n{log}\n")
    assert main(["logs", "users", "--follow"]) == 0
    assert (tmp_path / "asked").read_text().splitlines()[-1] == asked
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == ["[bold]printed", "2026-11-30 03:12:07 ERROR failed", "    Traceback (most recent call last):"]


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
    kubectl(tmp_path, monkeypatch, status={"lastRun": {"job": "gone", "attempt": 1}}, code=1)
    asked = (tmp_path / "kubectl").read_text()
    gone = 'logs) echo "Error from server (NotFound): jobs.batch not found" >&2; exit 1;; logs)'
    (tmp_path / "kubectl").write_text(asked.replace("logs)", gone, 1))
    assert main(["logs", "users"]) == 1
    assert (
        "the log of the last run is gone, with its Job or pod; `kubectl alembic history users`"
        in capsys.readouterr().err
    )


def test_a_log_that_kubectl_cannot_get_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kubectl(tmp_path, monkeypatch, status={"lastRun": {"job": "gone", "attempt": 1}}, code=1)
    assert main(["logs", "users"]) == 1
    assert capsys.readouterr().err.startswith("error: kubectl failed")
    with pytest.raises(KubectlError, match="install kubectl"):
        list(Kubectl(binary=str(tmp_path / "missing")).lines("logs"))
