"""The Pythons of this machine, of the versions that users' images have."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSIONS = ("3.9", "3.10", "3.11", "3.12", "3.13")
"""Those that the runner is tried with, and carries byte code for, the oldest first; so does the Dockerfile."""

_ASK = "import ensurepip, sys; print('%d.%d.%d' % sys.version_info[:3])"


@dataclass(frozen=True)
class Interpreter:
    """A Python of this machine that can make virtual environments."""

    path: Path
    version: str

    @property
    def minor(self) -> str:
        """Return its version without the last number."""
        return self.version.rpartition(".")[0]


@functools.cache
def present() -> tuple[Interpreter, ...]:
    """Return one interpreter of each version that is here, the newest version first."""
    found = (next(_working(version), None) for version in reversed(VERSIONS))
    return tuple(one for one in found if one)


def nearest(version: str) -> Interpreter:
    """Return the interpreter of a version, or of the one that is nearest to it; of two, the newer."""
    place = VERSIONS.index(version)
    ranked = sorted(present(), key=lambda one: abs(VERSIONS.index(one.minor) - place))
    if not ranked:
        raise RuntimeError(f"no Python of {', '.join(VERSIONS)} with venv is here; install one of them")
    return ranked[0]


def _working(version: str) -> Iterator[Interpreter]:
    for path in _candidates(version):
        done = subprocess.run([path, "-c", _ASK], capture_output=True, text=True, check=False)
        if done.returncode == 0:  # a shim of pyenv's may lead nowhere
            yield Interpreter(path, done.stdout.strip())


def _candidates(version: str) -> Iterator[Path]:
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted((pyenv / "versions").glob(f"{version}.*/bin/python3"), reverse=True)
    for folder in os.get_exec_path():
        if (path := Path(folder, f"python{version}")).exists():
            yield path
