"""The environments of users' images: an interpreter, and libraries pinned in `pins/`, in a virtual environment.

They are kept outside the checkout. Run as a program, it makes those that are missing, and says what runs on what.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from devcluster import lock, settings
from tools.pythons import Interpreter, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_PINS = Path(__file__).with_name("pins")
_COMPLETE = "complete"
T = TypeVar("T")


@dataclass(frozen=True)
class Environment:
    """What is installed together."""

    name: str
    """The pins are in `<name>.txt`."""
    wanted: str
    """The version of Python; the nearest one stands in where it is absent."""
    drivers: tuple[str, ...] = ("psycopg2", "psycopg", "asyncpg")
    room: Path = _PINS
    """The folder of the pins."""
    sources: bool = False
    """Whether a package that has no wheel is built; otherwise it is refused."""

    @property
    def pins(self) -> dict[str, str]:
        lines = (self.room / f"{self.name}.txt").read_text(encoding="utf-8").split()
        return dict(line.split("==") for line in lines)

    @property
    def interpreter(self) -> Interpreter:
        return nearest(self.wanted)

    @property
    def replaced(self) -> str:
        """Why another Python than the wanted one is used; empty: it is not."""
        minor = self.interpreter.minor
        return "" if minor == self.wanted else f"{self.name}: Python {self.wanted} is not here, {minor} stands in"

    @property
    def folder(self) -> Path:
        text = f"{self.interpreter.version}\n{sorted(self.pins.items())}"
        key = hashlib.sha256(text.encode()).hexdigest()[:10]
        return settings.from_environment(os.environ).cache / "environments" / f"{self.name}-{key}"

    @property
    def python(self) -> Path:
        """The interpreter in the environment, which is made if it is missing."""
        self.make()
        return self.folder / "bin" / "python"

    def make(self) -> None:
        """Install the pins, unless that is done; others who want the same wait for it."""
        folder = self.folder
        if (folder / _COMPLETE).exists():
            return
        with lock.held(folder.with_name(f"{folder.name}.lock")):
            if (folder / _COMPLETE).exists():
                return
            shutil.rmtree(folder, ignore_errors=True)
            _run(self.interpreter.path, "-m", "venv", folder)
            pins = [f"{name}=={version}" for name, version in self.pins.items()]
            wheels = "--prefer-binary" if self.sources else "--only-binary=:all:"
            install = ("install", "--quiet", "--no-deps", wheels, "--disable-pip-version-check")
            _run(folder / "bin" / "python", "-m", "pip", *install, *pins)
            (folder / _COMPLETE).touch()


MATRIX = (
    Environment("alembic1.8-sqlalchemy1.4", "3.9", ("asyncpg", "psycopg2")),  # 1.4 has no dialect for psycopg
    Environment("alembic1.13-sqlalchemy2.0", "3.10"),
    Environment("alembic1.16-sqlalchemy2.0", "3.11"),
    Environment("alembic1.20-sqlalchemy2.0", "3.12"),
    Environment("alembic1.20-sqlalchemy2.1", "3.13"),
)
OPTUNA = Environment("optuna", "3.11", ("psycopg2", "psycopg"))
MLFLOW = Environment("mlflow", "3.11", ("psycopg2", "psycopg"))
"""mlflow, and of its dependencies those of mlflow-skinny: they are all that its env.py and its revisions import."""

EVERY_DRIVER = "EVERY_DRIVER"
"""The variable of the environment that `make drivers` sets."""


def turn(name: str, drivers: Sequence[str]) -> Sequence[str]:
    """Return with which driver a test is tried: always the same one, or all, where EVERY_DRIVER asks for that."""
    return drivers if os.environ.get(EVERY_DRIVER) else [drivers[zlib.crc32(name.encode()) % len(drivers)]]


def in_turn(things: Iterable[T], drivers: Callable[[T], Sequence[str]]) -> list[tuple[T, str]]:
    """Return with which driver each thing is tried: each has its turn, or all, where EVERY_DRIVER asks for that."""
    if os.environ.get(EVERY_DRIVER):
        return [(one, driver) for one in things for driver in drivers(one)]
    return [(one, drivers(one)[turn % len(drivers(one))]) for turn, one in enumerate(things)]


def cells(environments: Iterable[Environment]) -> list[tuple[Environment, str]]:
    """Return with which drivers environments are tried."""
    return in_turn(environments, lambda one: one.drivers)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")


def main() -> None:
    """Make all environments."""
    environments = (*MATRIX, OPTUNA, MLFLOW)
    try:
        _make(environments)
    except RuntimeError as failed:
        sys.exit(str(failed))
    for environment in environments:
        python = environment.replaced or f"{environment.name}: Python {environment.interpreter.version}"
        sys.stdout.write(f"{python}; {', '.join(environment.drivers)}\n")


def _make(environments: Sequence[Environment]) -> None:
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for one in [threads.submit(environment.make) for environment in environments]:
            one.result()


if __name__ == "__main__":
    main()
