"""Many version tables in one database: whatever env.py makes of them, the runner holds one connection of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.rivals import users
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

HEAD = """
import os
from alembic import context
from sqlalchemy import create_engine, pool, text

NAMES = [f"shop_{number}" for number in range(int(os.environ["TENANTS"]))]
URL = os.environ["APP_URL"]

def migrate(connection, name):
    connection.execute(text(f'create schema if not exists "{name}"'))
    connection.execute(text(f'set search_path to "{name}"'))
    connection.commit()
    connection.dialect.default_schema_name = name
    context.configure(connection=connection, version_table_schema=name)
    with context.begin_transaction():
        context.run_migrations()
"""

LOOPS = {
    "one connection for all": """
with create_engine(URL).connect() as connection:
    for name in NAMES:
        migrate(connection, name)
""",
    "a connection for each": """
engine = create_engine(URL, poolclass=pool.NullPool)
for name in NAMES:
    with engine.connect() as connection:
        migrate(connection, name)
""",
    "an engine for each": """
for name in NAMES:
    engine = create_engine(URL)
    with engine.connect() as connection:
        migrate(connection, name)
    engine.dispose()
""",
    "a creator for each": """
import psycopg2
for name in NAMES:
    engine = create_engine("postgresql+psycopg2://", creator=lambda: psycopg2.connect(URL.replace("+psycopg2", "")))
    with engine.connect() as connection:
        migrate(connection, name)
    engine.dispose()
""",
    "options for each": """
for name in NAMES:
    engine = create_engine(URL, connect_args={"options": f"-csearch_path={name}"}, poolclass=pool.NullPool)
    with engine.connect() as connection:
        migrate(connection, name)
""",
    "an engine that stays": """
import sys
engine = sys.__dict__.setdefault("the_engine", create_engine(URL))  # as a module of the application keeps it
with engine.connect() as connection:
    for name in NAMES:
        migrate(connection, name)
""",
}
"""How public projects walk through the schemas of their tenants."""
TENANTS = 12
ROOM = 4
"""env.py's own connection, the lock's, that of the log and the one that reads back."""


def _project(project: Project, loop: str) -> Project:
    project.begin().revision("one", 'op.execute("create table basket (id int)")')
    project.write("migrations/env.py", HEAD + LOOPS[loop])
    return project


@pytest.mark.parametrize("loop", LOOPS)
def test_a_loop_over_tenants_needs_no_more_connections_than_one_tenant_and_its_gate_at_most_one(
    any_project: Project, runner: Runner, database: Database, loop: str
) -> None:
    _project(any_project, loop)
    with users(database, "shop") as (shop,):
        database.rows(f"grant create on database {database.name} to {shop.user}")
        database.rows(f"alter role {shop.user} connection limit {ROOM}")
        variables = {"APP_URL": shop.url("psycopg2"), "TENANTS": str(TENANTS)}
        run = runner.run(any_project, "upgrade", **variables)
        assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
        assert database.value("select count(*) from pg_tables where tablename = 'basket'") == TENANTS
        run = runner.run(any_project, "check", **variables)
        assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
        _its_gate_holds_at_most_one(any_project, runner, database)


def _its_gate_holds_at_most_one(project: Project, runner: Runner, database: Database) -> None:
    variables = {"APP_URL": database.url("psycopg2"), "TENANTS": str(TENANTS)}
    project.table("two")
    gate = runner.start(project, "gate", **variables)
    until(lambda: len(gate.said("waiting")) > 0, what="the gate's first word")
    seen = [_connections(database) for _ in range(40)]
    assert max(seen) <= 1, seen
    variables["TENANTS"] = str(TENANTS + 1)
    assert runner.run(project, "upgrade", **variables).code == 0
    assert gate.finish().code == 0


def _connections(database: Database) -> int:
    return int(database.value("select count(*) from pg_stat_activity where application_name like 'alembic-operator/%'"))
