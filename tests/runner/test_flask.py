"""Flask-Migrate's projects, unedited: their env.py finds everything in the application that `flask db` makes."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project, base_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Run, Runner
    from tests.runner.server import Database

pytest.importorskip("flask_migrate")

FACTORY = """
import os
from flask import Flask
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy

db = SQLAlchemy()
migrate = Migrate()

@migrate.configure
def configure(config):
    print("configured", config.get_main_option("script_location"))
    return config

def create_app():
    app = Flask("shop")
    app.config["SQLALCHEMY_DATABASE_URI"] = os.environ.get("APP_URL", "sqlite:///fallback.db")
    if "OTHER_URL" in os.environ:
        app.config["SQLALCHEMY_BINDS"] = {"other": os.environ["OTHER_URL"]}
    db.init_app(app)
    migrate.init_app(app, db)
    return app
"""

REVISION = """
revision = "one"
down_revision = None

from alembic import op

def upgrade():
    op.execute("create table one (id int)")

def downgrade():
    op.execute("drop table one")
"""

SEVERAL = """
revision = "one"
down_revision = None

from alembic import op

def upgrade(engine_name):
    globals()[f"upgrade_{engine_name}"]()

def upgrade_():
    op.execute("create table of_the_default (id int)")

def upgrade_other():
    op.execute("create table of_the_other (id int)")
"""

CONFIG = ("--config", "migrations/alembic.ini")
NOWHERE = "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


def _project(folder: Path, *words: str, name: str = "shop/__init__.py", revision: str = REVISION) -> Project:
    """Let Flask-Migrate itself make the folder, as its users do."""
    project = Project(folder, "psycopg2")
    project.write(name, FACTORY)
    environment = {**base_environment(), "FLASK_APP": "shop:create_app" if "/" in name else "app.py"}
    if "--multidb" in words:
        environment["OTHER_URL"] = "sqlite://"
    command = [sys.executable, "-m", "flask", "db", "init", *words]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    project.write("migrations/versions/one.py", revision)
    return project


def test_an_application_factory_is_called_and_its_project_migrated(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = _project(tmp_path / "project")
    environment = {"FLASK_APP": "shop:create_app", "APP_URL": database.url("psycopg2")}
    before = runner.run(project, "check", *CONFIG, **environment)
    assert (told(before), before.result.pending) == ((0, "Pending"), 1), before.stderr
    run = runner.run(project, "upgrade", *CONFIG, **environment)
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr
    assert f"configured {project.folder}/migrations" in run.stderr
    after = runner.run(project, "check", *CONFIG, **environment)
    assert told(after) == (0, "UpToDate"), after.stderr


@pytest.mark.parametrize("words", [("plan",), ("upgrade", "--target", "one,two")])
def test_the_application_is_made_once_however_often_env_py_runs(
    runner: Runner, database: Database, tmp_path: Path, words: tuple[str, ...]
) -> None:
    project = _project(tmp_path / "project")
    project.write(
        "shop/__init__.py", FACTORY.replace('    app = Flask("shop")', '    print("made")\n    app = Flask("shop")')
    )
    second = REVISION.replace("one", "two").replace("Ntwo", '"one"')
    project.write("migrations/versions/two.py", second)
    environment = {"FLASK_APP": "shop:create_app", "APP_URL": database.url("psycopg2")}
    run = runner.run(project, *words, *CONFIG, **environment)
    assert (run.code, run.result.reason) == (0, "Pending" if words == ("plan",) else "UpToDate"), run.stderr
    assert run.stderr.splitlines().count("made") == 1
    assert run.stderr.count("configured") > 1


def test_the_application_is_led_to_the_given_database(runner: Runner, database: Database, tmp_path: Path) -> None:
    project = _project(tmp_path / "project", name="app.py")
    words = (*CONFIG, "--database", "environment", "--schema", "shop")
    run = runner.run(project, "upgrade", *words, APP_URL=NOWHERE, **database.environment())
    assert (told(run), database.heads("shop.alembic_version")) == ((0, "UpToDate"), ["one"]), run.stderr
    assert database.value("select to_regclass('shop.one')::text") == "shop.one"


def test_an_application_that_falls_back_to_sqlite_is_refused(runner: Runner, tmp_path: Path) -> None:
    project = _project(tmp_path / "project", name="app.py")
    run = runner.run(project, "upgrade", *CONFIG)
    assert told(run) == (64, "NotPostgreSQL"), run.stderr


def test_an_application_that_flask_does_not_find_is_asked_for(runner: Runner, tmp_path: Path) -> None:
    project = _project(tmp_path / "project")
    run = runner.run(project, "upgrade", *CONFIG, APP_URL=NOWHERE)
    assert told(run) == (70, "EnvFailed"), run.stderr
    assert run.result.error
    assert "FLASK_APP" in run.result.error.hint


def test_an_error_of_the_application_is_told_as_env_pys(runner: Runner, tmp_path: Path) -> None:
    project = _project(tmp_path / "project")
    project.write("shop/__init__.py", "def create_app():\n    raise ValueError('no settings')\n")
    run = runner.run(project, "upgrade", *CONFIG, FLASK_APP="shop:create_app")
    assert told(run) == (70, "EnvFailed"), run.stderr
    assert run.result.error
    assert "no settings" in run.result.error.message


def test_the_binds_of_an_application_are_all_migrated(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path
) -> None:
    project = _project(tmp_path / "project", "--multidb", revision=SEVERAL)
    other = postgresql.named(f"{database.name}_b")
    postgresql.rows(f"create database {other.name}")
    try:
        urls = {"APP_URL": database.url("psycopg2"), "OTHER_URL": other.url("psycopg2")}
        run = runner.run(project, "upgrade", *CONFIG, FLASK_APP="shop:create_app", **urls)
        assert (told(run), database.heads(), other.heads()) == ((0, "UpToDate"), ["one"], ["one"]), run.stderr
        assert database.value("select to_regclass('of_the_default')::text") == "of_the_default"
        assert other.value("select to_regclass('of_the_other')::text") == "of_the_other"
    finally:
        postgresql.rows(f"drop database {other.name} with (force)")
