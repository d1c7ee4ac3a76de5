"""A schema of its own for each service, and the role that owns what is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database


def _failed(run: Run, code: int, reason: str) -> str:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint
    return run.result.error.message


def test_a_missing_schema_is_created_and_holds_tables_and_version(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows(
        "create function of_an_extension() returns int language sql as 'select 1';"
        " create table alembic_version as select 'of another project' as version_num"
    )
    project.begin().revision("one", 'op.execute("create table one as select of_an_extension() as id")')
    run = runner.run(project, "upgrade", "--schema", "users", APP_URL=database.url(project.driver))
    assert run.code == 0, run.stderr
    assert database.heads("users.alembic_version") == ["one"]
    assert database.heads() == ["of another project"]
    assert database.value("select to_regclass('users.one')::text") == "users.one"
    again = runner.run(project, "upgrade", "--schema", "users", APP_URL=database.url(project.driver))
    assert (again.code, again.result.from_) == (0, ("one",))


def _schemas(project: Project, *, own: str) -> Project:
    """Let env.py do itself what --schema does, in one of the common ways."""
    if own == "argument":
        return project.begin(arguments=", version_table_schema='chat', include_schemas=True")
    if own == "alembic's default":
        return project.begin(arguments=", version_table_schema=None")
    before = """connection.execute(text("create schema if not exists chat"))
        connection.execute(text("set search_path to chat"))"""
    if project.driver == "asyncpg":
        before = before.replace("\n    ", "\n")
    return project.begin(before=before)


@pytest.mark.parametrize("own", ["argument", "alembic's default"])
def test_an_env_py_that_names_its_schema_itself_works_with_and_without(
    any_project: Project, runner: Runner, database: Database, own: str
) -> None:
    _works_in_chat(_schemas(any_project, own=own), runner, database)


def test_an_env_py_that_sets_its_search_path_itself_works_with_and_without(
    project: Project, runner: Runner, database: Database
) -> None:
    _works_in_chat(_schemas(project, own="search_path"), runner, database)


def _works_in_chat(project: Project, runner: Runner, database: Database) -> None:
    project.table("one")
    run = runner.run(project, "upgrade", "--schema", "chat", APP_URL=database.url(project.driver))
    assert (run.code, database.heads("chat.alembic_version")) == (0, ["one"]), run.stderr
    assert database.value("select to_regclass('chat.one')::text") == "chat.one"
    check = runner.run(project, "check", "--schema", "chat", APP_URL=database.url(project.driver))
    assert (check.result.reason, check.result.to) == ("UpToDate", ("one",)), check.stderr


@pytest.fixture
def role(database: Database) -> Iterator[str]:
    """The name of a role that does not exist yet."""
    name = f"role_{database.name}"
    yield name
    if database.rows(f"select from pg_roles where rolname = '{name}'"):
        database.rows(f"drop owned by {name}; drop role {name}")


def test_everything_belongs_to_the_role(project: Project, runner: Runner, database: Database, role: str) -> None:
    database.rows(f"create role {role}; grant create on database {database.name} to {role}")
    project.begin().table("one")
    words = ("upgrade", "--schema", "users", "--role", role)
    run = runner.run(project, *words, APP_URL=database.url(project.driver))
    assert run.code == 0, run.stderr
    assert database.value("select tableowner from pg_tables where tablename = 'one'") == role
    assert database.value("select nspowner::regrole::text from pg_namespace where nspname = 'users'") == role


def test_a_role_that_does_not_exist_yet_is_waited_for(
    project: Project, runner: Runner, database: Database, role: str
) -> None:
    project.begin().table("one")
    process = runner.start(project, "upgrade", "--role", role, APP_URL=database.url(project.driver))
    (said,) = until(lambda: process.said("waiting for the role"))
    assert role in said["message"]
    database.rows(f"create role {role}; grant create on schema public to {role}")
    run = process.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert len(run.said("waiting for the role")) == 1
    assert database.value("select tableowner from pg_tables where tablename = 'one'") == role


def test_a_role_that_never_comes_is_not_waited_for_beyond_the_deadline(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin().table("one")
    words = ("upgrade", "--role", "nobody_at_all", "--deadline", deadline)
    run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
    assert "nobody_at_all" in _failed(run, 77, "RoleNotFound")


def test_a_look_does_not_wait_for_a_role(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    given = database.environment()
    run = runner.run(
        any_project, "check", "--role", "nobody", "--database", "environment", APP_URL="sqlite://", **given
    )
    assert "nobody" in _failed(run, 77, "RoleNotFound")


def test_a_schema_that_may_not_be_created_names_the_missing_right(
    project: Project, runner: Runner, database: Database, role: str
) -> None:
    database.rows(f"create role {role}")
    project.begin().table("one")
    words = ("upgrade", "--schema", "users", "--role", role)
    run = runner.run(project, *words, APP_URL=database.url(project.driver))
    message = _failed(run, 77, "PermissionDenied")
    assert f"user {role} lacks the right CREATE on database {database.name}" in message
    assert run.result.error
    assert f'GRANT CREATE ON DATABASE "{database.name}" TO "{role}"' in run.result.error.hint


@pytest.mark.parametrize(
    ("granted", "missing"), [("", "USAGE, CREATE"), ("usage", "CREATE"), ("create", "USAGE"), ("usage, create", "")]
)
def test_a_schema_that_may_not_be_used_names_the_missing_right(
    any_project: Project, runner: Runner, database: Database, role: str, granted: str, missing: str
) -> None:
    database.rows(f"create role {role}; create schema users; grant all on schema public to {role}")
    if granted:
        database.rows(f"grant {granted} on schema users to {role}")
    any_project.begin().table("one")
    words = ("upgrade", "--schema", "users", "--role", role)
    run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
    if not missing:
        assert (run.code, database.heads("users.alembic_version")) == (0, ["one"]), run.stderr
        return
    message = _failed(run, 77, "PermissionDenied")
    assert message == f"user {role} lacks the right {missing} on schema users"
    assert database.rows("select from pg_tables where schemaname in ('public', 'users')") == []


def test_a_migrated_schema_needs_no_right_to_create_in_it(
    any_project: Project, runner: Runner, database: Database, role: str
) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", "--schema", "users", APP_URL=database.url("psycopg2"))
    database.rows(f"create role {role}; grant usage on schema users to {role}")
    database.rows(f"grant all on all tables in schema users to {role}")
    any_project.revision("two", 'op.execute("insert into one values (1)")')
    words = ("upgrade", "--schema", "users", "--role", role)
    run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads("users.alembic_version")) == (0, ["two"]), run.stderr
