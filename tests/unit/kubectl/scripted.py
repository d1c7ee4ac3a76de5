"""A program called kubectl in PATH that answers from files, for what a real cluster does not do on demand."""

import json
from pathlib import Path
from typing import Any

import pytest

FORBIDDEN = "Error from server (Forbidden): no"


def script(folder: Path, monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], log: str = "") -> None:
    """Answer `get KIND`, `logs` and `version`; refuse anything else. A list is one of objects."""
    cases = ""
    for name, answer in answers.items():
        whole = {"items": answer} if isinstance(answer, list) else answer
        file = folder / name.replace("/", "-")
        file.write_text(json.dumps(whole))
        cases += f'*"get {name}"[\\ .]*) cat {file};; '
    (folder / "log").write_text(log)
    cases += f'*"logs "*) cat {folder}/log;; "version"*) echo Client Version: v1.36.3;; '
    write(folder, monkeypatch, f'case "$*" in {cases} *) echo "{FORBIDDEN}" >&2; exit 1;; esac')


def write(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """Put a script into PATH under that name."""
    (folder / "kubectl").write_text(f"#!/bin/sh\n{body}\n")
    (folder / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("COLUMNS", "120")
