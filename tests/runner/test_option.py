"""The option sqlalchemy.url, for an env.py that connects where it says and nowhere else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

ENV = """
from alembic import context
from sqlalchemy import engine_from_config, pool

engine = engine_from_config(context.config.get_section(context.config.config_ini_section), poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC_ENV = """
import asyncio
from alembic import context
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import async_engine_from_config

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    section = context.config.get_section(context.config.config_ini_section)
    engine = async_engine_from_config(section, poolclass=pool.NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""
USELESS = ("", "sqlalchemy.url = driver://user:pass@localhost/dbname\n", "sqlalchemy.url = sqlite:///application.db\n")


def _project(folder: Path, option: str, env: str) -> Project:
    project = Project(folder).begin()
    project.write("alembic.ini", f"[alembic]\nscript_location = %(here)s/migrations\n{option}")
    project.write("migrations/env.py", env)
    return project.table("one")


@pytest.mark.parametrize("env", [ENV, ASYNC_ENV], ids=["sync", "async"])
@pytest.mark.parametrize("option", USELESS, ids=["none", "template", "sqlite"])
def test_an_option_that_leads_nowhere_leads_to_the_given_database(
    tmp_path: Path, option: str, env: str, runner: Runner, database: Database
) -> None:
    project = _project(tmp_path / "project", option, env)
    run = runner.run(project, "upgrade", "--database", "environment", **database.environment())
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert run.result.driver.startswith("asyncpg " if env is ASYNC_ENV else "psycopg2 ")
    assert not (project.folder / "application.db").exists()


def test_an_option_for_postgresql_keeps_its_driver(tmp_path: Path, runner: Runner, database: Database) -> None:
    option = "sqlalchemy.url = postgresql+psycopg://nobody:nothing@192.0.2.1/nowhere\n"
    project = _project(tmp_path / "project", option, ENV)
    run = runner.run(project, "upgrade", "--database", "environment", **database.environment())
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert run.result.driver.startswith("psycopg ")


def test_without_an_address_the_option_stays_as_it_is(tmp_path: Path, runner: Runner) -> None:
    project = _project(tmp_path / "project", USELESS[2], ENV)
    run = runner.run(project, "upgrade")
    assert (run.code, run.result.reason) == (64, "NotPostgreSQL"), run.stderr


def test_a_script_location_is_found_near_its_configuration(tmp_path: Path, runner: Runner, database: Database) -> None:
    project = _project(tmp_path / "site" / "package", "", ENV)
    project.write("alembic.ini", "[alembic]\nscript_location = package/migrations\n")
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.folder.mkdir()
    words = ("--database", "environment", "--config", str(project.folder / "alembic.ini"))
    run = runner.run(elsewhere, "upgrade", *words, **database.environment())
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert [runner.run(elsewhere, one, *words, **database.environment()).code for one in ("check", "gate")] == [0, 0]
