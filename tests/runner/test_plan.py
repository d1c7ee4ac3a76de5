"""`plan` shows what `upgrade` would run, revision by revision, and changes nothing."""

from __future__ import annotations

import json
import re
import subprocess
from typing import TYPE_CHECKING

import pytest

from alembic_operator.contract import Result
from tests.runner import server
from tests.runner.project import base_environment

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

OFFLINE_ENV = """
import asyncio
import os
from alembic import context
from sqlalchemy import create_engine, pool
from sqlalchemy.ext.asyncio import create_async_engine
print("env.py ran")
URL = os.environ["APP_URL"]

def offline():
    context.configure(url=URL, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()

def migrate(connection):
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()

async def online_async():
    async with create_async_engine(URL, poolclass=pool.NullPool).connect() as connection:
        await connection.run_sync(migrate)

def online():
    with create_engine(URL, poolclass=pool.NullPool).connect() as connection:
        migrate(connection)

if context.is_offline_mode():
    offline()
elif "asyncpg" in URL:
    asyncio.run(online_async())
else:
    online()
"""
READS = 'op.get_bind().execute(sa.text("select 1")).scalar()'


def _offline(project: Project) -> Project:
    project.begin()
    project.write("migrations/env.py", OFFLINE_ENV)
    return project


def _environment(project: Project, database: Database) -> dict[str, str]:
    return {"APP_URL": database.url(project.driver), **database.environment()}


def _pipe(plan: str, database: Database) -> None:
    """Give the plan to psql, as a person would."""
    psql = [str(server.programs(server.DEFAULT) / "psql"), "--no-psqlrc", "--set", "ON_ERROR_STOP=1"]
    done = subprocess.run(
        psql,
        input=plan,
        env={**base_environment(), **database.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stderr, plan)


def _relations(database: Database) -> list[str]:
    return [
        name
        for (name,) in database.rows(
            "select relname from pg_class where relkind in ('r', 'S', 'i') and relnamespace = 'public'::regnamespace"
        )
    ]


def test_the_plan_can_be_piped_into_psql_and_does_what_upgrade_does(
    project: Project, runner: Runner, database: Database
) -> None:
    _offline(project).table("one").revision("two", "op.execute(\"insert into one select 7 where 'a' like 'a%'\")")
    environment = _environment(project, database)
    run = runner.run(project, "plan", "--database", "environment", **environment)
    assert (run.code, run.result.reason, run.result.pending) == (0, "Pending", 2), run.stderr
    assert "Approximate" in run.stdout
    assert "-- Revision one (1 of 2):" in run.stdout
    assert "-- Revision two (2 of 2):" in run.stdout
    assert "like 'a%'" in run.stdout
    assert _relations(database) == []
    assert "env.py ran" in run.stderr
    _pipe(run.stdout, database)
    assert database.value("select id from one") == 7
    run = runner.run(project, "check", "--database", "environment", **environment)
    assert run.result.reason == "UpToDate", run.stderr


def test_the_plan_begins_where_the_database_is_and_ends_at_the_target(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _offline(any_project).table("one").table("two").table("three").table("four")
    environment = _environment(any_project, database)
    runner.run(any_project, "upgrade", "--target", "one", **environment)
    run = runner.run(any_project, "plan", "--target", "three", **environment)
    assert (run.result.reason, run.result.to, run.result.target) == ("Pending", ("one",), ("three",)), run.stderr
    assert re.findall(r"create table (\w+)", run.stdout) == ["two", "three"]
    assert "CREATE TABLE alembic_version" not in run.stdout
    run = runner.run(any_project, "plan", "--target", "+1", **environment)
    assert re.findall(r"create table (\w+)", run.stdout) == ["two"], run.stderr


def test_a_revision_that_cannot_be_rendered_hides_no_other_and_says_why(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _offline(any_project).table("one").revision("two", READS).table("three")
    path = any_project.folder / "migrations/versions/two.py"
    path.write_text('"""read a row first\n\nand more"""\n' + path.read_text())
    run = runner.run(any_project, "plan", **_environment(any_project, database))
    assert (run.code, run.result.pending) == (0, 3), run.stderr
    assert re.findall(r"create table (\w+)", run.stdout) == ["one", "three"]
    assert "-- Revision two (2 of 3): read a row first\n-- It cannot be rendered: AttributeError" in run.stdout
    assert "-- Incomplete: 1 of them" in run.stdout


def test_a_parameter_without_a_value_is_marked(any_project: Project, runner: Runner, database: Database) -> None:
    given = 'op.execute(sa.text("select :a, :b, :c").bindparams(a=1, b=None))'
    _offline(any_project).revision("one", f"{given}; op.execute(sa.select(sa.bindparam('d */ drop')))")
    run = runner.run(any_project, "plan", **_environment(any_project, database))
    assert "select 1, NULL, NULL /* no value for :c */;" in run.stdout, run.stderr
    assert "NULL /* no value for :d____drop */" in run.stdout


def test_branches_and_merges_are_planned_with_their_rows(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _offline(any_project).table("root").table("one")
    any_project.revision("two", down="root").revision("merged", down=("one", "two"))
    any_project.revision("other", down=None, depends_on="one")
    environment = _environment(any_project, database)
    runner.run(any_project, "upgrade", "--target", "root", **environment)
    run = runner.run(any_project, "plan", **environment)
    assert run.result.pending == 4, run.stderr
    _pipe(run.stdout, database)
    run = runner.run(any_project, "check", **environment)
    assert run.result.reason == "UpToDate", (run.stderr, run.result)


def test_an_env_py_without_an_offline_branch_is_rendered_and_cannot_change_anything(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("zero").table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('zero')")
    run = runner.run(project, "plan", "--database", "environment", **_environment(project, database))
    assert (run.code, run.result.reason) == (0, "Pending"), run.stderr
    assert "create table one" in run.stdout
    path = project.folder / "migrations/env.py"
    path.write_text(path.read_text().replace("pass\n", 'connection.execute(text("create table stray (id int)"))\n', 1))
    run = runner.run(project, "plan", "--database", "environment", **_environment(project, database))
    assert "-- It cannot be rendered: cannot execute CREATE TABLE in a read-only transaction" in run.stdout, run.stderr
    assert _relations(database) == ["alembic_version"]


@pytest.mark.parametrize(
    ("offline", "words"),
    [
        ('raise RuntimeError("offline? " + os.environ["APP_URL"])', "RuntimeError: offline?"),
        ("raise SystemExit(3)", "SystemExit"),
        ("pass", "env.py ended without calling context.configure()"),
        ('context.configure(url="sqlite://")', "env.py renders for sqlite, not for PostgreSQL"),
    ],
)
def test_an_env_py_that_has_no_way_offline_says_so_in_the_plan(
    any_project: Project, runner: Runner, database: Database, offline: str, words: str
) -> None:
    _offline(any_project).table("one")
    path = any_project.folder / "migrations/env.py"
    path.write_text(path.read_text().replace("def offline():", f"def offline():\n    {offline}\n    return"))
    run = runner.run(any_project, "plan", "--database", "environment", **_environment(any_project, database))
    assert (run.code, run.result.reason) == (0, "Pending"), run.stderr
    assert f"-- It cannot be rendered: {words}" in run.stdout
    assert database.password not in run.everything


def test_a_plan_holds_no_secret(any_project: Project, runner: Runner, database: Database) -> None:
    environment = _environment(any_project, database)
    _offline(any_project).revision("one", 'import os; op.execute("-- " + os.environ["PGPASSWORD"])')
    run = runner.run(any_project, "plan", "--database", "environment", **environment)
    assert "-- ***" in run.stdout, run.stdout
    assert database.password not in run.everything


def test_the_plan_of_a_schema_sets_its_search_path(any_project: Project, runner: Runner, database: Database) -> None:
    _offline(any_project).table("one")
    run = runner.run(any_project, "plan", "--schema", "tenant", **_environment(any_project, database))
    assert database.value("select count(*) from pg_namespace where nspname = 'tenant'") == 0, run.stderr
    _pipe(run.stdout, database)
    assert database.heads("tenant.alembic_version") == ["one"]
    assert database.value("select schemaname from pg_tables where tablename = 'one'") == "tenant"


@pytest.mark.parametrize(
    ("heads", "code", "reason"),
    [("'two'", 0, "UpToDate"), ("'future'", 0, "DatabaseAhead"), ("'future'), ('b'", 66, "Diverged")],
)
def test_a_plan_without_pending_revisions_says_so_in_comments_alone(
    any_project: Project, runner: Runner, database: Database, heads: str, code: int, reason: str
) -> None:
    """Without a file for the Result, the last line is the Result."""
    _offline(any_project).table("one").table("two")
    if reason == "Diverged":
        any_project.revision("b", down=None).revision("c")
    database.rows(f"create table alembic_version (version_num text); insert into alembic_version values ({heads})")
    process = runner.start(any_project, "plan", result="", **_environment(any_project, database))
    assert process.popen.wait(60) == code, process.log()
    *comments, last = process.out.read_text().splitlines()
    assert comments
    assert all(line.startswith("--") for line in comments)
    result = Result.from_json(last.removeprefix("-- result: "))
    assert result is not None
    assert result.reason == reason
    assert json.loads(last.removeprefix("-- result: "))["version"] == 1


def test_an_env_py_that_renders_for_alembics_option_is_given_the_address(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _offline(any_project).table("one")
    path = any_project.folder / "migrations/env.py"
    path.write_text(
        path.read_text().replace('os.environ["APP_URL"]', 'context.config.get_main_option("sqlalchemy.url")')
    )
    run = runner.run(any_project, "plan", "--database", "environment", **database.environment())
    assert "create table one" in run.stdout, run.everything
