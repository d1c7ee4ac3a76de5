"""The first connection that fails: env.py may handle it; what it does not handle says what to do."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

HEAD = """
import os, sys, time
from alembic import context
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

URL = make_url(os.environ["APP_URL"])

def migrate(url):
    with create_engine(url).connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""

MAKES_IT = """
try:
    create_engine(URL).connect().close()
except OperationalError:
    with create_engine(URL.set(database="postgres"), isolation_level="AUTOCOMMIT").connect() as server:
        server.execute(text(f'create database "{URL.database}"'))
migrate(URL)
"""

ANOTHER_USER = """
try:
    migrate(URL.set(password="the old one"))
except OperationalError:
    migrate(URL)
"""

ANOTHER_HOST = """
try:
    migrate(URL.set(port=1))
except OperationalError:
    migrate(URL)
"""


@pytest.mark.parametrize("driver", ["psycopg2", "psycopg", "pg8000"])
def test_env_py_may_make_the_database_that_is_missing(
    driver: str, runner: Runner, postgresql: Database, tmp_path: Path
) -> None:
    made = postgresql.named(f"made_{uuid.uuid4().hex[:8]}")
    project = Project(tmp_path / "project", driver).begin().table("one")
    caught = HEAD.replace("import OperationalError", "import DBAPIError as OperationalError")
    project.write("migrations/env.py", caught + MAKES_IT)
    try:
        run = runner.run(project, "upgrade", APP_URL=made.url(driver))
        assert (run.code, run.result.reason, made.heads()) == (0, "UpToDate", ["one"]), run.stderr
    finally:
        postgresql.rows(f"drop database if exists {made.name} with (force)")


@pytest.mark.parametrize("env", [ANOTHER_USER, ANOTHER_HOST])
def test_env_py_may_go_elsewhere(any_project: Project, runner: Runner, database: Database, env: str) -> None:
    any_project.begin().table("one").write("migrations/env.py", HEAD + env)
    for command in ("upgrade", "check", "gate"):
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("one",)), run.stderr


UNHANDLED = {
    "not at all": "migrate(URL)",
    "by sys.exit": "try:\n    migrate(URL)\nexcept OperationalError:\n    sys.exit(1)",
    "by silence": "try:\n    migrate(URL)\nexcept OperationalError:\n    print('no database')",
    "by another error": "try:\n    migrate(URL)\nexcept OperationalError as e:\n    raise RuntimeError('no') from e",
}


@pytest.mark.parametrize("how", UNHANDLED)
@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_what_env_py_does_not_mend_keeps_its_reason(
    any_project: Project, runner: Runner, database: Database, how: str, command: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", f"{HEAD}\n{UNHANDLED[how]}\n")
    run = runner.run(any_project, command, APP_URL=database.named("nobody_made_it").url("psycopg2"))
    assert (run.code, run.result.reason) == (77, "DatabaseNotFound"), run.stderr
    assert run.result.error
    assert f"{database.host}:{database.port}/nobody_made_it" in run.result.error.message


def test_what_fails_on_the_way_round_is_told_and_not_why_it_was_gone(
    any_project: Project, runner: Runner, database: Database
) -> None:
    env = MAKES_IT.replace("create database", "drop table nothing; --")
    any_project.begin().table("one").write("migrations/env.py", HEAD + env)
    run = runner.run(any_project, "upgrade", APP_URL=database.named("nobody_made_it").url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "EnvFailed"), run.stderr
    assert run.result.error
    assert run.result.error.sqlstate == "42P01"


@pytest.mark.parametrize(
    ("driver", "query"),
    [
        ("psycopg2", "frobnicate=1"),
        ("psycopg", "frobnicate=1"),
        ("psycopg2", "sslmode=frobnicate"),
        ("psycopg", "sslmode=frobnicate"),
        ("psycopg", "target_session_attrs=frobnicate"),
        ("asyncpg", "sslmode=require"),
        ("asyncpg", "ssl=frobnicate"),
        ("pg8000", "sslmode=require"),
    ],
)
def test_an_argument_that_the_driver_refuses_is_configuration(
    driver: str, query: str, runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", driver).begin().table("one")
    for command in ("upgrade", "check"):
        run = runner.run(project, command, APP_URL=f"{database.url(driver)}?{query}")
        assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
        assert run.result.error
        assert database.password not in run.everything


def test_a_driver_that_is_not_known_is_refused_by_its_name(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    env = any_project.folder / "migrations" / "env.py"
    dialect = """
from sqlalchemy.dialects import registry
from sqlalchemy.dialects.postgresql.base import PGDialect
class Other(PGDialect):
    driver = "frobnicate"
    supports_statement_cache = True
    @classmethod
    def import_dbapi(cls):
        import psycopg2
        return psycopg2
    dbapi = import_dbapi
registry.impls["postgresql.frobnicate"] = lambda: Other
"""
    env.write_text(dialect + env.read_text())
    for command in ("upgrade", "check"):
        run = runner.run(any_project, command, APP_URL=database.url("frobnicate"))
        assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
        assert run.result.error
        assert "frobnicate" in run.result.error.message
        assert "pg8000" in run.result.error.hint
