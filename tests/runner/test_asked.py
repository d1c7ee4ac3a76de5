"""What env.py asks of its engine is asked of the connection to the given database, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import DRIVERS, Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

GIVEN = ("--database", "environment")
NOWHERE = "postgresql+{}://nobody:nothing@192.0.2.1/nowhere"
SYNC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, event, pool

engine = create_engine(os.environ["APP_URL"], {engine})
engine = engine.execution_options({options})

@event.listens_for(engine, "connect")
def connected(raw, record):
    cursor = raw.cursor()
    cursor.execute("set app.listened = 'heard'")
    cursor.close()
    raw.commit()

with engine.connect() as connection:
    connection = connection.execution_options(schema_translate_map={{None: "tenant"}})
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
ASYNC_ENV = """
import asyncio
import os
from alembic import context
from sqlalchemy import event, pool
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    engine = create_async_engine(os.environ["APP_URL"], {engine}).execution_options({options})

    @event.listens_for(engine.sync_engine, "connect")
    def connected(raw, record):
        cursor = raw.cursor()
        cursor.execute("set app.listened = 'heard'")
        cursor.close()
        raw.commit()

    async with engine.connect() as connection:
        connection = await connection.execution_options(schema_translate_map={{None: "tenant"}})
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""
ARGUMENTS = {
    "psycopg": 'dict(options="-c app.asked=yes", prepare_threshold=None, keepalives_idle=17)',
    "psycopg2": """dict(dsn="host=192.0.2.1 options='-c app.asked=yes' keepalives_idle=17")""",
    "asyncpg": 'dict(server_settings={"app.asked": "yes"}, statement_cache_size=0)',
    "pg8000": 'dict(timeout=17, application_name="shop")',
}
POOL = "poolclass=pool.StaticPool, connect_args={}"
LEVEL = 'isolation_level="{}"'
TOLD = (
    "current_setting('app.asked', true) as asked, current_setting('app.listened', true) as listened,"
    " current_setting('transaction_isolation') as level"
)


def _project(folder: Path, driver: str, engine: str, options: str) -> Project:
    project = Project(folder, driver).begin()
    env = ASYNC_ENV if driver == "asyncpg" else SYNC_ENV
    project.write("migrations/env.py", env.format(engine=engine, options=options))
    return project


@pytest.mark.parametrize("driver", [*DRIVERS, "pg8000"])
def test_what_env_py_asks_of_its_engine_is_there_at_the_given_database(
    tmp_path: Path, runner: Runner, database: Database, driver: str
) -> None:
    database.rows("create schema tenant")
    environment = {"APP_URL": NOWHERE.format(driver), **database.environment()}
    engine = POOL.format(ARGUMENTS[driver])
    project = _project(tmp_path / "strict", driver, f"{engine}, {LEVEL.format('SERIALIZABLE')}", "")
    project.revision(
        "one", f'op.create_table("one", sa.Column("id", sa.Integer)); op.execute("create table told as select {TOLD}")'
    )
    run = runner.run(project, "upgrade", *GIVEN, **environment)
    assert (run.code, run.result.to, database.heads("tenant.alembic_version")) == (0, ("one",), ["one"]), run.stderr
    asked = None if driver == "pg8000" else "yes"
    assert database.rows("select * from told") == [(asked, "heard", "serializable")]
    assert database.value("select to_regclass('tenant.one')"), "the map of schemas holds for the revisions"
    project = _project(tmp_path / "plain", driver, engine, LEVEL.format("AUTOCOMMIT"))
    project.revision("one")
    project.revision("two", 'op.create_index("ix_two", "one", ["id"], postgresql_concurrently=True)')
    run = runner.run(project, "upgrade", *GIVEN, **environment)
    assert (run.code, database.heads("tenant.alembic_version")) == (0, ["two"]), run.stderr
    looks = [runner.run(project, one, *GIVEN, **environment) for one in ("check", "gate")]
    assert [one.result.reason for one in looks] == ["UpToDate"] * 2, looks[0].stderr
