"""Run one short program to its end."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from devcluster.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

ADMINISTRATORS_FOLDERS = "/usr/sbin:/sbin"
"""Where nft and others are; not every root has them in PATH."""
SECONDS_OF_SILENCE = 60
"""A person who sees nothing for longer thinks that a program hangs."""


def search_path() -> str:
    """Return where programs are looked for."""
    return f"{os.environ.get('PATH', os.defpath)}:{ADMINISTRATORS_FOLDERS}"


def output(argv: Sequence[str | Path], *, stdin: str | None = None, env: Mapping[str, str] | None = None) -> str:
    """Return what the program printed; raise FailureError with its last lines when it fails."""
    try:
        done = subprocess.run(argv, input=stdin, env=_environment(env), capture_output=True, text=True, check=False)
    except FileNotFoundError as missing:
        raise FailureError(f"{argv[0]} is not installed") from missing
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-15:])
        raise FailureError(f"{_shown(argv)} failed with exit code {done.returncode}:\n{last}")
    return done.stdout


def show(
    argv: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    still: Callable[[], None] = lambda: None,
    pace: float = SECONDS_OF_SILENCE,
) -> None:
    """Run a program that takes long and let the terminal see what it says (on standard error).

    `still` is called each `pace` seconds while it runs.
    """
    try:
        running = subprocess.Popen(argv, cwd=cwd, env=_environment(env), stdout=2)
    except FileNotFoundError as missing:
        raise FailureError(f"{argv[0]} is not installed") from missing
    with running:
        while _runs(running, pace):
            still()
    if running.returncode != 0:
        raise FailureError(f"{_shown(argv)} failed with exit code {running.returncode}")


def _runs(running: subprocess.Popen[bytes], pace: float) -> bool:
    """Wait for the end of a program, and return whether it still runs."""
    try:
        running.wait(pace)
    except subprocess.TimeoutExpired:
        return True
    return False


def succeeds(argv: Sequence[str | Path]) -> bool:
    """Tell whether the program exists and ends well, whatever it prints."""
    try:
        return subprocess.run(argv, env=_environment(None), capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        return False


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    return {**(os.environ if given is None else given), "PATH": search_path()}


def _shown(argv: Sequence[str | Path]) -> str:
    words = [str(word) for word in argv]
    return " ".join(words[:6]) + (" ..." if len(words) > 6 else "")  # noqa: PLR2004 - enough to recognise it
