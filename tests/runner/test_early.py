"""Looking before the first run at an env.py that reads what its own revisions make."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

TENANTS = """
import os
from alembic import context
from sqlalchemy import create_engine, text

def migrate(connection, schema):
    context.configure(connection=connection, version_table_schema=schema)
    with context.begin_transaction():
        context.run_migrations()

with create_engine(os.environ["APP_URL"]).connect() as connection:
    migrate(connection, "public")
    {after}
"""
AFTER = {
    "loops over the tenants that it makes": """
    names = connection.execute(text("select name from tenant")).scalars().all()
    getattr(connection, "commit", print)()
    for name in names:
        connection.execute(text(f"create schema if not exists {name}"))
        getattr(connection, "commit", print)()
        migrate(connection, name)""",
    "grants a right on what it makes": """
    connection.execute(text("grant select on tenant to public"))
    getattr(connection, "commit", print)()""",
    "ends without a row": """
    if not connection.scalar(text("select count(*) from pg_class where relname = 'tenant'")):
        raise SystemExit("no tenant")""",
}
MAKES = (
    'op.execute("create table if not exists public.tenant (name text)")\n'
    "op.execute(\"insert into public.tenant select 'acme' where not exists (select from public.tenant)\")"
)


@pytest.mark.parametrize("how", AFTER)
def test_what_is_not_made_yet_is_pending_and_no_failure(
    any_project: Project, runner: Runner, database: Database, how: str
) -> None:
    any_project.begin().revision("one", MAKES).write("migrations/env.py", TENANTS.format(after=AFTER[how]))
    variables = {"APP_URL": database.url("psycopg2")}
    run = runner.run(any_project, "check", **variables)
    assert (run.code, run.result.reason, run.result.pending) == (0, "Pending", 1), run.stderr
    gate = runner.start(any_project, "gate", **variables)
    until(lambda: gate.said("waiting"), 40, "the gate's first word")
    assert "waiting for revision one" in gate.said("waiting")[0]["message"]
    run = runner.run(any_project, "upgrade", **variables)
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    run = gate.finish()
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    run = runner.run(any_project, "check", **variables)
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr


def test_an_env_py_that_fails_where_nothing_is_pending_is_a_failure(
    any_project: Project, runner: Runner, database: Database
) -> None:
    after = 'if os.environ.get("BROKEN"):\n        connection.execute(text("select * from nothing"))'
    any_project.begin().revision("one", MAKES).write("migrations/env.py", TENANTS.format(after=after))
    variables = {"APP_URL": database.url("psycopg2")}
    assert runner.run(any_project, "upgrade", **variables).code == 0
    run = runner.run(any_project, "check", BROKEN="1", **variables)
    assert (run.code, run.result.reason) == (70, "EnvFailed"), run.stderr
