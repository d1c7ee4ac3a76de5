"""Run a program to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from demo.expectation import UnmetError

if TYPE_CHECKING:
    from collections.abc import Sequence

SHOWN_LINES = 15


def run(command: Sequence[str | Path], stdin: str | None = None) -> str:
    """Return what the program prints; fail with its last lines when it fails."""
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-SHOWN_LINES:])
        shown = [word for word in map(str, command[1:]) if not word.startswith("--kubeconfig")]
        raise UnmetError(f"{Path(command[0]).name} {' '.join(shown)} failed:\n{last}")
    return done.stdout
