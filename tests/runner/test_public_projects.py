"""Optuna and MLflow as their wheels bring them: what they say of their database after the runner migrated it."""

from __future__ import annotations

import subprocess
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from alembic_operator.contract import RESULT_BYTES
from tests.runner.environments import MLFLOW, OPTUNA, Environment, cells
from tests.runner.project import Project, Runner, base_environment
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runner.project import Process, Run
    from tests.runner.server import Database

ADDRESS = """
import os
from sqlalchemy import URL, create_engine
names = ("PGUSER", "PGPASSWORD", "PGHOST", "PGPORT", "PGDATABASE")
user, password, host, port, name = (os.environ[one] for one in names)
url = URL.create("postgresql+" + os.environ["DRIVER"], user, password, host, int(port), name)
"""
OPTUNA_TRIES = """
import optuna
storage = optuna.storages.RDBStorage(url.render_as_string(hide_password=False), skip_table_creation=True)
assert storage.get_current_version() == storage.get_head_version()
study = optuna.create_study(storage=storage)
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=1)
assert len(study.trials) == 1
"""
MLFLOW_BEGINS = """
from mlflow.store.tracking.dbmodels.initial_models import Base
Base.metadata.create_all(create_engine(url))
"""
MLFLOW_TRIES = """
from mlflow.store.db import utils
engine = create_engine(url)
utils._verify_schema(engine)
assert utils._all_tables_exist(engine)
"""


@dataclass(frozen=True)
class Program:
    """A program that carries its own migrations, installed in an environment, and a database for it."""

    environment: Environment
    driver: str
    config: str
    runner: Runner
    database: Database
    folder: Path

    def start(self, command: str) -> Process:
        """Start the runner somewhere else than where the program is installed."""
        config = str(self._installed / self.config)
        words = (command, "--database", "environment", "--config", config)
        return self.runner.start(Project(self.folder), *words, **self._variables)

    def run(self, command: str) -> Run:
        return self.start(command).finish(120)

    def python(self, text: str) -> None:
        """Run a program in the environment; what it raises fails the test."""
        variables = {**base_environment(), **self._variables, "DRIVER": self.driver}
        subprocess.run([self.environment.python, "-c", ADDRESS + text], cwd=self.folder, env=variables, check=True)

    @property
    def _installed(self) -> Path:
        (folder,) = self.environment.folder.glob("lib/python3*/site-packages")
        return folder

    @property
    def _variables(self) -> dict[str, str]:
        """Return the address; psycopg alone is what an image has that lacks psycopg2."""
        if self.driver == "psycopg":
            (self.folder / "psycopg2.py").write_text("raise ImportError('not in this image')\n", encoding="utf-8")
        return {**self.database.environment(), "PYTHONPATH": str(self.folder)}


def _program(request: pytest.FixtureRequest, environment: Environment, config: str) -> Iterator[Program]:
    tmp_path: Path = request.getfixturevalue("tmp_path")
    folder, scratch = tmp_path / "elsewhere", tmp_path / "scratch"
    folder.mkdir()
    scratch.mkdir()
    with closing(Runner(request.getfixturevalue("pyz"), scratch, environment.python)) as runner:
        database = request.getfixturevalue("database")
        yield Program(environment, request.param, config, runner, database, folder)


DRIVERS = {
    name: [driver for one, driver in cells((OPTUNA, MLFLOW)) if one.name == name] for name in ("optuna", "mlflow")
}


@pytest.fixture(params=DRIVERS["optuna"])
def optuna(request: pytest.FixtureRequest) -> Iterator[Program]:
    yield from _program(request, OPTUNA, "optuna/storages/_rdb/alembic.ini")


@pytest.fixture(params=DRIVERS["mlflow"])
def mlflow(request: pytest.FixtureRequest) -> Iterator[Program]:
    yield from _program(request, MLFLOW, "mlflow/store/db_migrations/alembic.ini")


def test_optuna_works_with_the_database_that_the_runner_migrated_from_nothing(optuna: Program) -> None:
    _goes_to_its_head(optuna, 10)
    optuna.python(OPTUNA_TRIES)


def test_mlflow_works_with_the_database_that_the_runner_migrated_from_its_first_tables(mlflow: Program) -> None:
    mlflow.python(MLFLOW_BEGINS)
    _goes_to_its_head(mlflow, 67)
    mlflow.python(MLFLOW_TRIES)


def _goes_to_its_head(program: Program, revisions: int) -> None:
    before = program.run("check")
    assert (before.code, before.result.reason, before.result.pending) == (0, "Pending", revisions), before.stderr
    done = program.run("upgrade")
    assert (done.code, done.result.reason, done.result.pending) == (0, "UpToDate", 0), done.stderr
    assert (done.result.applied_count, len(done.said("revision applied"))) == (revisions, revisions)
    assert len(done.result.to_json().encode()) <= RESULT_BYTES
    assert done.result.driver.startswith(f"{program.driver} ")
    assert list(done.result.to) == program.database.heads()
    again = program.run("upgrade")
    assert (again.code, again.result.reason, again.result.applied_count) == (0, "UpToDate", 0), again.stderr
    assert [program.run(command).result.reason for command in ("check", "gate")] == ["UpToDate"] * 2


@pytest.mark.parametrize("mlflow", ["psycopg2"], indirect=True)
def test_mlflow_is_killed_in_the_middle_and_each_revision_is_applied_once(mlflow: Program) -> None:
    mlflow.python(MLFLOW_BEGINS)
    first = mlflow.start("upgrade")
    until(lambda: len(first.said("revision applied")) >= 20, 60, "twenty revisions")
    first.popen.kill()
    first.popen.wait()
    told = {one["revision"] for one in first.said("revision applied")}
    then = mlflow.run("upgrade")
    assert (then.code, then.result.reason) == (0, "UpToDate"), then.stderr
    later = {one["revision"] for one in then.said("revision applied")}
    assert not told & later
    killed_between_commit_and_log = 67 - len(told) - len(later)
    assert (killed_between_commit_and_log in (0, 1), len(later) < 67) == (True, True)
    mlflow.python(MLFLOW_TRIES)
