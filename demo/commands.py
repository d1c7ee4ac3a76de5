"""Run a program to its end."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from demo.expectation import UnmetError
from devcluster.commands import SECONDS_OF_SILENCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHOWN_LINES = 15


def run(
    command: Sequence[str | Path],
    stdin: str | None = None,
    still: Callable[[], None] = lambda: None,
    pace: float = SECONDS_OF_SILENCE,
) -> str:
    """Return what the program prints; fail with its last lines when it fails.

    `still` is called each `pace` seconds while it runs.
    """
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        while (done := _communicate(running, stdin, pace)) is None:
            stdin = None
            still()
    if running.returncode != 0:
        last = "\n".join((done[1] or done[0]).strip().splitlines()[-SHOWN_LINES:])
        shown = [word for word in map(str, command[1:]) if not word.startswith("--kubeconfig")]
        raise UnmetError(f"{Path(command[0]).name} {' '.join(shown)} failed:\n{last}")
    return done[0]


def _communicate(running: subprocess.Popen[str], stdin: str | None, pace: float) -> tuple[str, str] | None:
    """Return what a program has printed by its end; None: it still runs."""
    try:
        return running.communicate(stdin, pace)
    except subprocess.TimeoutExpired:
        return None
