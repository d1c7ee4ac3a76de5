"""Many tenants with one project: each a schema with a version table of its own, in one run of the runner."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from alembic_operator.contract.fleet import Fleet
from tests.runner.rivals import users

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

STRANGE = ('we"ird', "Capital One", "a" * 63, "100%", "back\\slash", "{}", "o'neil", "naïve")
"""Names that PostgreSQL allows, and that each way to write a statement has to quote."""
ARGUMENT = """
import os
from alembic import context
from sqlalchemy import create_engine, text

tenant = context.get_x_argument(as_dictionary=True)["tenant"]
with create_engine(os.environ["APP_URL"], future=True).connect() as connection:
    connection.execute(text('set search_path to "' + tenant.replace('"', '""') + '"'))
    connection.commit()
    connection.dialect.default_schema_name = tenant
    context.configure(connection=connection, version_table_schema=tenant)
    with context.begin_transaction():
        context.run_migrations()
"""
"""As Alembic's own recipe has it."""
ASKING = """
from alembic import context, op

revision = "two"
down_revision = "one"
tenant = context.get_x_argument(as_dictionary=True)["tenant"]

def upgrade():
    op.execute(f"insert into public.asked values ('{tenant}', current_schema())")
"""
"""It asks for the tenant while it is loaded."""


def make(database: Database, *schemas: str) -> None:
    for name in schemas:
        database.rows('create schema "{}"'.format(name.replace('"', '""')))


def fleet(runner: Runner, project: Project, database: Database, *words: str, **tenants: Any) -> Run:
    variables = {"APP_URL": database.url(project.driver), **database.environment()}
    command = words[0] if words else "upgrade"
    return runner.run(project, command, *words[1:], "--tenants", json.dumps(tenants), **variables)


def stand(database: Database) -> dict[str, tuple[list[str], str]]:
    rows = database.rows("select tenant, heads, outcome from alembic_operator_tenants")
    return {tenant: (heads, outcome) for tenant, heads, outcome in rows}


ENVIRONMENT = ("--database", "environment")


@pytest.mark.parametrize("where", [(), ENVIRONMENT], ids=["as env.py says", "as the environment says"])
def test_each_tenant_is_migrated_once_whatever_its_name_and_the_next_run_finds_nothing_to_do(
    project: Project, runner: Runner, database: Database, where: tuple[str, ...]
) -> None:
    make(database, *STRANGE, "other")
    project.begin().revision("one", 'op.execute("create table basket (id int)")').table("two")
    run = fleet(runner, project, database, "upgrade", *where, names=STRANGE)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr
    assert run.result.tenants
    assert str(run.result.tenants) == "8 of 8 tenants are up to date"
    assert {one.revision for one in run.result.applied} == {"one", "two"}
    found = database.rows("select schemaname from pg_tables where tablename = 'basket'")
    assert {name for (name,) in found} == set(STRANGE)
    assert stand(database) == dict.fromkeys(STRANGE, (["two"], "UpToDate"))
    again = fleet(runner, project, database, "upgrade", *where, names=STRANGE)
    assert (again.code, again.result.applied, again.result.tenants) == (0, (), run.result.tenants), again.stderr
    project.table("three")
    looked = fleet(runner, project, database, "check", *where, names=STRANGE)
    assert (looked.code, looked.result.reason, looked.result.pending) == (0, "Pending", 1), looked.stderr
    assert looked.result.tenants
    assert (looked.result.tenants.behind, looked.result.tenants.total) == (8, 8)
    assert database.heads('"{}".alembic_version') == ["two"]


def test_an_env_py_that_takes_the_tenant_as_an_argument_is_given_each(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2", "ws_3", "other")
    database.rows("create table public.asked (tenant text, schema text)")
    any_project.begin().table("one").write("migrations/env.py", ARGUMENT)
    any_project.write("migrations/versions/two.py", ASKING)
    words = {"pattern": "ws\\_%", "argument": "tenant={}", "maxParallel": 1}
    run = fleet(runner, any_project, database, *("upgrade", *ENVIRONMENT), **words)
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
    assert stand(database) == dict.fromkeys(("ws_1", "ws_2", "ws_3"), (["two"], "UpToDate"))
    asked = [(name, name) for name in ("ws_1", "ws_2", "ws_3")]
    assert database.rows("select * from public.asked order by 1") == asked  # by one process, which loads it each time


def test_an_index_that_a_build_leaves_invalid_in_one_tenant_is_dropped_and_nobody_elses(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2")
    for name in ("ws_1", "ws_2", "public"):
        database.rows(f"create table {name}.twice (n int); insert into {name}.twice values (1), (1)")
    database.rows("delete from ws_1.twice")
    with pytest.raises(Exception, match="could not create unique index"):
        database.rows("create unique index concurrently theirs on public.twice (n)")
    any_project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("create unique index concurrently ours on twice (n)")
        """,
    )
    run = fleet(runner, any_project, database, names=["ws_1", "ws_2"], maxParallel=1)
    assert run.result.tenants
    assert (run.result.tenants.up_to_date, run.result.tenants.failed) == (1, 1), run.stderr
    left = "select indexrelid::regclass::text from pg_index where not indisvalid"
    assert database.rows(left) == [("theirs",)]
    database.rows("delete from ws_2.twice")
    again = fleet(runner, any_project, database, names=["ws_1", "ws_2"])
    assert (again.code, str(again.result.tenants)) == (0, "2 of 2 tenants are up to date"), again.stderr


def test_tenants_that_would_share_one_version_table_are_refused_before_anything_runs(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2")
    any_project.begin(arguments=', version_table_schema="public"').table("one")
    for where in ((), ENVIRONMENT):
        run = fleet(runner, any_project, database, "upgrade", *where, names=["ws_1", "ws_2"])
        assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
        assert run.result.error
        assert "share the version table" in run.result.error.message
        assert "spec.tenants.argument" in run.result.error.hint
    assert database.heads() == []


def test_a_tenant_that_fails_is_rolled_back_alone_and_the_retry_does_only_that(
    any_project: Project, runner: Runner, database: Database
) -> None:
    names = [f"ws_{number}" for number in range(6)]
    make(database, *names)
    database.rows("create table runs (schema text, revision text)")
    any_project.begin().revision("one", 'op.execute("create table once (n int primary key)")')
    any_project.revision(
        "two",
        """
        op.execute("create table made (id int)")
        op.execute("insert into runs select current_schema(), 'two'")
        op.execute("insert into once select n from places")
        """,
    )
    for name in names:
        database.rows(f"create table {name}.places (n int); insert into {name}.places values (1)")
    for name in names[:2]:
        database.rows(f"insert into {name}.places values (1)")
    run = fleet(runner, any_project, database, names=[*names, "missing"])
    assert run.code == 70, run.stderr
    assert run.result.reason == "RevisionFailed"
    assert run.result.tenants
    seen = run.result.tenants
    assert (seen.total, seen.up_to_date, seen.behind, seen.failed) == (7, 4, 0, 3)
    assert [(one.count, one.names, one.reason, one.revision, one.sqlstate) for one in seen.failures] == [
        (2, ("ws_0", "ws_1"), "RevisionFailed", "two", "23505"),
        (1, ("missing",), "TenantNotFound", "", ""),
    ]
    assert run.result.error
    assert run.result.error.message == (
        "4 of 7 tenants are up to date; 2 failed in two with 23505: ws_0, ws_1; 1 failed with TenantNotFound: missing"
    )
    assert "create: Missing" in seen.failures[1].hint
    rows = stand(database)
    assert rows["ws_0"] == (["one"], "RevisionFailed")
    assert rows["ws_5"] == (["two"], "UpToDate")
    assert rows["missing"] == ([], "TenantNotFound")
    assert database.value("select to_regclass('ws_0.made') is null")
    database.rows("delete from ws_0.places; delete from ws_1.places")
    again = fleet(runner, any_project, database, names=names)
    assert (again.code, str(again.result.tenants)) == (0, "6 of 6 tenants are up to date"), again.stderr
    assert database.rows("select count(*), count(distinct schema) from runs") == [(6, 6)]
    assert set(stand(database)) == set(names)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select nothing from nowhere", 'relation "nowhere" does not exist'),
        ("select pg_sleep(9)::text", "took longer than 5 s"),
        ("select make()", "would write"),
        ("select 'ws_' || n from generate_series(1, 100001) n", "more than 100,000 rows"),
        ("select repeat('x', 64)", "more than 63 bytes"),
        ("select 'a'; drop table kept", "syntax error"),
    ],
)
def test_a_query_that_gives_no_list_of_tenants_is_refused_in_words(
    any_project: Project, runner: Runner, database: Database, query: str, said: str
) -> None:
    database.rows("create table kept (id int)")
    database.rows(
        "create function make() returns text language sql as $$ insert into kept values (1); select 'ws_1'::text $$"
    )
    run = fleet(runner, any_project.begin().table("one"), database, "upgrade", *ENVIRONMENT, query=query)
    assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
    assert run.result.error
    assert said in run.result.error.message
    assert database.value("select count(*) from kept") == 0


def test_a_query_may_repeat_a_tenant_and_have_rows_without_a_name(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2", "ws_3")
    database.rows("create table workspace (name text)")
    database.rows("insert into workspace values ('ws_1'), ('ws_2'), ('ws_2'), (null), (''), ('ws_3')")
    database.rows('create schema "7"')
    query = "select name, now() from workspace union all select '7', null order by name -- all of them"
    run = fleet(runner, any_project.begin().table("one"), database, query=query, exclude=["ws_3"])
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
    assert "2 rows without a name" in run.result.warnings[0]
    assert "listed more than once" in run.result.warnings[1]


def test_a_role_without_rights_on_some_tenants_fails_for_those_alone(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2", "ws_3")
    any_project.begin().table("one")
    with users(database, "app") as (app,):
        database.rows(
            f"grant usage, create on schema ws_1, ws_3 to {app.user}; revoke create on schema public from {app.user}"
        )
        run = fleet(runner, any_project, app, "upgrade", *ENVIRONMENT, pattern="ws\\_%")
        assert (run.code, run.result.reason) == (77, "PermissionDenied"), run.stderr
        assert run.result.tenants
        (group,) = run.result.tenants.failures
        assert (group.names, group.reason) == (("ws_2",), "PermissionDenied")
        assert (run.result.tenants.up_to_date, database.heads("ws_3.alembic_version")) == (2, ["one"])
        assert "there is no table of tenants" in run.result.warnings[0]


def test_a_tenant_that_is_missing_is_made_where_that_is_asked_for(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1")
    any_project.begin().table("one")
    run = fleet(runner, any_project, database, names=["ws_1", "New One"], create="Missing")
    assert (run.code, str(run.result.tenants)) == (0, "2 of 2 tenants are up to date"), run.stderr
    assert database.heads('"New One".alembic_version') == ["one"]


def test_each_database_of_a_server_may_be_a_tenant(any_project: Project, runner: Runner, database: Database) -> None:
    names = [f"{database.name}_{number}" for number in range(3)]
    for name in names:
        database.rows(f"create database {name} strategy file_copy template template0")
    any_project.begin().table("one")
    try:
        for number, where in enumerate(((), ENVIRONMENT)):
            project = any_project if not number else any_project.table("two")
            run = fleet(runner, project, database, "upgrade", *where, kind="Databases", pattern=f"{database.name}\\_%")
            assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
            assert [database.named(name).heads() for name in names] == [[project.last]] * 3
            assert database.heads() == []
        assert stand(database) == dict.fromkeys(names, (["two"], "UpToDate"))
        database.named(names[1]).rows("create index late on one (id)")
        names.append(f"{database.name}_New")
        made = fleet(runner, any_project, database, kind="Databases", names=names, create="Missing")
        told = f"4 of 4 tenants are up to date; 1 drifted: {names[1]}"
        assert (made.code, str(made.result.tenants)) == (0, told), made.stderr
        assert database.named(names[-1]).heads() == ["two"]
    finally:
        for name in names:
            database.rows(f'drop database if exists "{name}" with (force)')


def test_tenants_whose_tables_differ_from_most_others_are_named(
    any_project: Project, runner: Runner, database: Database
) -> None:
    names = [f"ws_{number}" for number in range(8)]
    make(database, *names)
    any_project.begin()
    any_project.revision(
        "one",
        """
        op.execute("create table basket (id serial primary key, name varchar(80) unique)")
        op.execute("create table line (id int references basket check (id > 0), price int default 7)")
        op.execute("create index line_price on line (price)")
        """,
    )
    assert fleet(runner, any_project, database, names=names).result.tenants
    database.rows("alter table ws_1.basket alter column name type varchar(90)")
    database.rows("drop index ws_2.line_price")
    database.rows("alter table ws_4.line drop constraint line_id_check")
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=names)
    assert run.code == 0, run.stderr
    assert str(run.result.tenants) == "8 of 8 tenants are up to date; 3 drifted: ws_1, ws_2, ws_4"
    assert fleet(runner, any_project, database, names=names[:2]).result.tenants == Fleet(2, 2)
