"""One PostgreSQL for all tests of a worker, one fresh database for each test."""

from __future__ import annotations

import os
import sys
import time
import uuid
from typing import TYPE_CHECKING

import pytest

from devcluster import lock
from tests.runner import environments, server
from tests.runner.importing import Both
from tests.runner.project import DRIVERS, Project, Runner
from tools import build_runner, pythons

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Try with every driver what is about drivers, and all else with one of them, whose turn it is."""
    marks = metafunc.definition.iter_markers("parametrize")
    if "driver" in metafunc.fixturenames and not any("driver" in mark.args[0] for mark in marks):
        every = metafunc.definition.get_closest_marker("every_driver")
        metafunc.parametrize("driver", DRIVERS if every else environments.turn(metafunc.definition.name, DRIVERS))


@pytest.fixture(scope="session")
def postgresql() -> Iterator[server.Database]:
    with server.running() as database:
        yield database


@pytest.fixture
def database(postgresql: server.Database) -> Iterator[server.Database]:
    name = f"test_{uuid.uuid4().hex[:12]}"
    postgresql.rows(f"create database {name} strategy file_copy template template0")
    yield postgresql.named(name)
    postgresql.rows(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def pyz(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the archive as it is given away, once for all workers."""
    folder = tmp_path_factory.getbasetemp()
    target = (folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) / "runner.pyz"
    with lock.held(target.with_suffix(".lock")):
        return target if target.exists() else build_runner.build(target, [one.path for one in pythons.present()])


@pytest.fixture
def runner(pyz: Path, tmp_path: Path) -> Iterator[Runner]:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    chosen = _chosen()
    runner = Runner(pyz, scratch, chosen.python if chosen else sys.executable)
    yield runner
    runner.close()


def _chosen() -> environments.Environment | None:
    """Return the environment that somebody wants to try everything in, instead of the project's own."""
    name = os.environ.get("RUNNER_ENVIRONMENT")
    return next(one for one in environments.MATRIX if one.name == name) if name else None


@pytest.fixture(autouse=True)
def _has_its_driver(request: pytest.FixtureRequest) -> None:
    """Skip what is about a driver that the chosen environment lacks."""
    chosen, parameters = _chosen(), getattr(getattr(request.node, "callspec", None), "params", {})
    driver = parameters.get("driver") or getattr(request.module, "DRIVER", None)
    if chosen and driver and driver not in chosen.drivers:
        pytest.skip(f"{chosen.name} has no {driver}")


@pytest.fixture
def both(tmp_path: Path, database: server.Database) -> Both:
    """A SQLite file and a database, for an import."""
    return Both(tmp_path / "app.db", database)


@pytest.fixture
def project(tmp_path: Path, driver: str) -> Project:
    return Project(tmp_path / "project", driver)


@pytest.fixture
def any_project(tmp_path: Path) -> Project:
    """A project for what does not depend on the driver."""
    return Project(tmp_path / "project", "psycopg2")


@pytest.fixture
def deadline(runner: Runner, tmp_path: Path) -> str:
    """A deadline that is short, and long enough for a runner to begin on this machine as busy as it is now."""
    begun = time.monotonic()
    runner.run(Project(tmp_path / "pace").begin().table("one"), "upgrade", APP_URL="sqlite://")
    return f"{round(2 + 3 * (time.monotonic() - begun))}s"
