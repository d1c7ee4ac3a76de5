"""Nothing to migrate is a success that says so; a damaged version table is none, and says what to delete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

GIVEN = ["--database", "environment"]
LOOP = """
import os
from alembic import context
from sqlalchemy import create_engine, text
with create_engine(os.environ["APP_URL"]).connect() as connection:
    for (schema,) in list(connection.execute(text("select nspname from pg_namespace where nspname ~ '^tenant'"))):
        connection.execute(text(f"set search_path to {schema}"))
        getattr(connection, "commit", print)()
        context.configure(connection=connection, version_table_schema=schema)
        with context.begin_transaction():
            context.run_migrations()
"""


def _told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


@pytest.mark.parametrize("command", ["upgrade", "check", "gate"])
def test_an_env_py_that_finds_no_tenant_has_migrated_all_of_them_and_says_so(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", LOOP)
    run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
    assert (_told(run), run.result.to) == ((0, "UpToDate"), ()), run.stderr
    if command != "gate":
        assert "nothing was migrated" in " ".join(run.result.warnings)
    database.rows("create schema tenant_a; create schema tenant_b")
    if command == "upgrade":
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert (_told(run), run.result.to, run.result.warnings) == ((0, "UpToDate"), ("one",), ()), run.stderr
        assert database.value("select to_regclass('tenant_b.one')")


@pytest.mark.parametrize("command", ["upgrade", "check"])
def test_where_the_target_names_a_revision_nothing_is_a_failure(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", LOOP)
    run = runner.run(any_project, command, "--target", "one", APP_URL=database.url("psycopg2"))
    assert _told(run) == (70, "EnvFailed"), run.stderr


def test_an_env_py_that_configures_and_runs_nothing_is_a_failure(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    path = any_project.folder / "migrations" / "env.py"
    path.write_text(path.read_text().replace("context.run_migrations()", "pass"))
    assert _told(runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))) == (70, "EnvFailed")


@pytest.mark.parametrize(
    ("rows", "names", "repair", "given"),
    [
        (("one", "two"), "one beside two", "version_num IN ('one')", []),
        (("one", "three"), "one beside three", "version_num IN ('one')", GIVEN),
        (("one", "two", "three"), "one, two beside three", "version_num IN ('one', 'two')", []),
        (("three", "three"), "three twice", "a.ctid < b.ctid", GIVEN),
        (("one", "one"), "one twice", "a.ctid < b.ctid", []),
    ],
)
def test_a_damaged_version_table_is_named_with_its_rows_and_the_repair_by_every_command(
    any_project: Project,
    runner: Runner,
    database: Database,
    rows: tuple[str, ...],
    names: str,
    repair: str,
    given: list[str],
) -> None:
    any_project.begin().table("one").table("two").table("three")
    values = ", ".join(f"('{one}')" for one in rows)
    database.rows(f"create table alembic_version (version_num text); insert into alembic_version values {values}")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    for command in ("check", "upgrade"):
        run = runner.run(any_project, command, *given, **environment)
        assert _told(run) == (70, "VersionTableDamaged"), run.stderr
        assert run.result.error
        assert (names in run.result.error.message, repair in run.result.error.hint) == (True, True)
        assert database.heads() == sorted(rows)
    gate = runner.start(any_project, "gate", *given, **environment)
    (said, *_) = until(lambda: gate.said("waiting"))
    assert names in said["message"]
    assert run.result.error
    statement = run.result.error.hint.partition("mostly ")[2].partition(" is right")[0]
    database.rows(statement)
    assert (gate.finish().code if rows[-1] == "three" else 0, database.heads()) == (0, [rows[-1]])


def test_a_revision_beside_one_that_depends_on_it_is_no_damage(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", down=None).revision("two", down=None, depends_on="one")
    database.rows(
        "create table alembic_version (version_num text); insert into alembic_version values ('one'), ('two')"
    )
    for command in ("check", "upgrade"):
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert _told(run) == (0, "UpToDate"), run.stderr
