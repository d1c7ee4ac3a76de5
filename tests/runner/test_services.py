"""The five demo services, each with an env.py of another kind, unedited, into one database."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from tests.runner.project import Project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Runner
    from tests.runner.server import Database

MIGRATIONS = Path(__file__).parents[2] / "migrations"
EXAMPLE = MIGRATIONS.parent / "examples" / "services"
HEADS = {
    "users": "b60f27d9e1a3",
    "agents": "d1b7e60f93ac",
    "chat": "0003",
    "tracing": "d40000000001",
    "admin": "f02a6c1d8e37",
}
TABLES = {
    "users": ["alembic_version", "users"],
    "agents": ["agents", "alembic_version", "tools"],
    "chat": ["alembic_version", "conversations", "messages"],
    "tracing": ["retention", "spans", "traces", "tracing_version"],
    "admin": ["alembic_version", "audit", "settings"],
}
READS = {("agents", "users"), ("chat", "users"), ("chat", "agents"), ("tracing", "chat")}
"""Who may read whose tables, in the example."""
ELSEWHERE = {
    "users": {
        "USE_POSTGRES": "true",
        "POSTGRES_HOST": "127.0.0.1",
        "POSTGRES_PORT": "1",
        "POSTGRES_USER": "nobody",
        "POSTGRES_PASSWORD": "wrong",
        "POSTGRES_DB": "nowhere",
    },
    "chat": {"USE_POSTGRES": "true"},
    "admin": {"DATABASE_URI": "postgresql+psycopg2://nobody:wrong@127.0.0.1:1/nowhere"},
}
"""What their images have in their environment; the runner leads all of them to the database that it is given."""


def _service(name: str, folder: Path) -> Project:
    shutil.copytree(MIGRATIONS / name, folder, ignore=shutil.ignore_patterns("__pycache__", "releases"))
    for release in ("v1", "v2") if name == "users" else ():
        shutil.copytree(MIGRATIONS / name / "releases" / release, folder, dirs_exist_ok=True)
    return Project(folder)


def _tables(database: Database, schema: str) -> list[str]:
    return [
        row[0] for row in database.rows(f"select tablename from pg_tables where schemaname = '{schema}' order by 1")
    ]


def _start(runner: Runner, project: Project, name: str, database: Database, command: str = "upgrade") -> Process:
    words = (command, "--database", "environment", "--schema", name)
    return runner.start(project, *words, **ELSEWHERE.get(name, {}), **database.environment())


@pytest.fixture
def seen_by(database: Database) -> Iterator[dict[str, Database]]:
    """Make a login for each service, as the example's first step does; the database as each of them sees it.

    The administrator is no superuser: where the server is somebody else's, nobody is.
    """
    database.rows(f"create role boss login createrole password 'boss'; alter database {database.name} owner to boss")
    seen = {name: replace(database, user=name, password=name) for name in ("boss", *HEADS)}
    for name in HEADS:
        seen["boss"].rows(f"create role {name} login password '{name}'; grant {name} to current_user")
    yield seen
    database.rows("reassign owned by boss to current_user")
    for name in seen:  # all at once, PostgreSQL does not find the default privileges that one of them gave another
        database.rows(f"drop owned by {name} cascade")
    database.rows(f"drop role {', '.join(seen)}")


def _rights(database: Database, folder: Path) -> Project:
    """Return the example's project of schemas and rights, for this database."""
    manifests = yaml.safe_load_all((EXAMPLE / "2-rights.yaml").read_text())
    (files,) = [one["data"] for one in manifests if one["kind"] == "ConfigMap"]
    project = Project(folder)
    for name, text in files.items():
        path = f"versions/{name}" if name.startswith("0") else name  # as the operator mounts it
        project.write(path, text.replace('DATABASE = "platform"', f'DATABASE = "{database.name}"'))
    return project


def _refusal(database: Database, sql: str) -> str:
    """Return the SQLSTATE with which a statement is refused; empty: it is not."""
    try:
        database.rows(sql)
    except psycopg.Error as error:
        return error.sqlstate or ""
    return ""


def _with_later_table(project: Project) -> Project:
    sql = "op.create_table('addresses', sa.Column('id', sa.Integer))"
    text = f"import sqlalchemy as sa\nfrom alembic import op\nrevision = 'f1'\ndown_revision = {HEADS['users']!r}\n"
    project.write("alembic/versions/f1.py", f"{text}def upgrade():\n    {sql}\n")
    return project


def test_five_services_share_a_database_each_in_its_own_schema_as_its_own_role(
    runner: Runner, database: Database, seen_by: dict[str, Database], tmp_path: Path
) -> None:
    projects = {name: _service(name, tmp_path / name) for name in HEADS}
    rights = _rights(database, tmp_path / "rights")
    for words in (("upgrade",), ("downgrade", "--target", "base"), ("upgrade",)):
        boss = seen_by["boss"].environment()
        run = runner.run(rights, *words, "--schema", "rights", "--database", "environment", **boss)
        assert run.code == 0, run.stderr
    started = {name: _start(runner, project, name, seen_by[name]) for name, project in projects.items()}
    for name, process in started.items():
        run = process.finish(120)
        assert (run.code, run.result.to) == (0, (HEADS[name],)), run.stderr
        assert _tables(database, name) == TABLES[name]
    assert _tables(database, "public") == []
    again = {name: _start(runner, project, name, seen_by[name], "check") for name, project in projects.items()}
    for name, process in again.items():
        run = process.finish(120)
        assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", (HEADS[name],)), run.stderr
    _each_reads_what_it_may_and_writes_none_of_it(seen_by)

    later = _with_later_table(projects["users"])
    assert _start(runner, later, "users", seen_by["users"]).finish().result.to == ("f1",)
    database.rows("create table users.by_hand (id int)")
    readable = {table: _refusal(seen_by["agents"], f"table users.{table}") for table in ("addresses", "by_hand")}
    assert readable == {"addresses": "", "by_hand": "42501"}

    database.rows("alter schema users rename to people")
    assert _refusal(seen_by["agents"], "table people.addresses") == ""
    run = _start(runner, later, "users", seen_by["users"]).finish()
    assert (run.code, run.result.reason, _tables(database, "users")) == (77, "PermissionDenied", []), run.stderr
    run = _start(runner, later, "people", seen_by["users"], "check").finish()
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("f1",)), run.stderr


def _each_reads_what_it_may_and_writes_none_of_it(seen_by: dict[str, Database]) -> None:
    tables = [f"{owner}.{table}" for owner in HEADS for table in TABLES[owner]]
    foreign = [(name, table) for name in HEADS for table in tables if not table.startswith(f"{name}.")]
    read = {(name, table) for name, table in foreign if not _refusal(seen_by[name], f"table {table}")}
    assert read == {(name, f"{owner}.{table}") for name, owner in READS for table in TABLES[owner]}
    own = seen_by["agents"]
    own.rows(
        "insert into agents.agents (name, settings) select email, jsonb_build_object('owner', id) from users.users"
    )
    joined = "select count(*) from agents.agents a join users.users u on u.id::text = a.settings->>'owner'"
    assert own.value(joined) == own.value("select count(*) from users.users") > 0
    for sql in (
        "insert into users.users (name, email) values ('bob', 'bob@example.org')",
        "update users.users set email = 'x'",
        "delete from users.users",
        "truncate users.users cascade",
        "alter table users.users add column more int",
        "create table users.more (id int)",
        "select * from users.users for update",
    ):
        assert _refusal(own, sql) == "42501", sql


def test_a_foreign_key_into_another_schema_wants_one_right_when_it_is_made_and_none_afterwards(
    database: Database, seen_by: dict[str, Database]
) -> None:
    users, agents = seen_by["users"], seen_by["agents"]
    database.rows("".join(f"create schema {name} authorization {name};" for name in ("users", "agents")))
    agents.rows("create table agents.agents (owner int)")
    made = "alter table agents.agents add constraint owner foreign key (owner) references users.users on delete"
    refused = []
    refused.append(_refusal(agents, f"{made} cascade"))  # no right on the schema
    users.rows("grant usage on schema users to agents")
    refused.append(_refusal(agents, f"{made} cascade"))  # the order is not kept
    users.rows("alter default privileges in schema users grant references on tables to agents")
    users.rows("create table users.later (id int primary key)")
    assert _refusal(agents, "create table agents.of_later (id int references users.later)") == ""
    users.rows("alter default privileges in schema users revoke references on tables from agents")
    users.rows("create table users.users (id int primary key); insert into users.users values (1), (2)")
    refused.append(_refusal(agents, f"{made} cascade"))
    users.rows("grant references (id) on users.users to agents")
    assert refused == ["42501", "42P01", "42501"]

    assert "ShareRowExclusiveLock" in _locks(agents, f"{made} cascade not valid")
    agents.rows(f"{made} cascade not valid")
    assert "ShareRowExclusiveLock" not in _locks(agents, "alter table agents.agents validate constraint owner")
    agents.rows("insert into agents.agents values (1), (2)")
    assert _refusal(agents, "insert into agents.agents values (3)") == "23503"
    assert _refusal(agents, "table users.users") == "42501"
    assert _refusal(users, "drop table users.users") == "2BP01"
    users.rows("delete from users.users where id = 1")
    assert agents.rows("table agents.agents") == [(2,)]


def _locks(database: Database, sql: str) -> set[str]:
    """Return what a statement locks users.users with; it is rolled back."""
    with database.connect(autocommit=False) as connection:
        connection.execute(sql.encode())
        found = connection.execute(
            "select mode from pg_locks where pid = pg_backend_pid() and relation = 'users.users'::regclass"
        ).fetchall()
        connection.rollback()
    return {mode for (mode,) in found}


@pytest.mark.parametrize("name", ["chat", "users"])
def test_a_service_whose_switch_is_forgotten_is_refused(
    runner: Runner, database: Database, tmp_path: Path, name: str
) -> None:
    project = _service(name, tmp_path / name)
    run = runner.run(project, "upgrade", "--database", "environment", **database.environment())
    assert run.code != 0
    assert run.result.reason in ("NotPostgreSQL", "EnvFailed", "AlembicNotFound"), run.stderr
    assert run.result.error
    assert _tables(database, "public") == []


def test_a_service_with_a_schema_of_its_own_works_without_being_told_one(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    for name in ("tracing", "admin"):
        project = _service(name, tmp_path / name)
        words = ("upgrade", "--database", "environment")
        run = runner.run(project, *words, **ELSEWHERE.get(name, {}), **database.environment())
        assert (run.code, run.result.to) == (0, (HEADS[name],)), run.stderr
        assert _tables(database, name) == TABLES[name]
