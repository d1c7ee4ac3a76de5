"""Tenants as others have reported them: each comes to an end of its own, and none stops the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner import server
from tests.runner.rivals import HELD_UP, held_up, holding_up, users
from tests.runner.server import until
from tests.runner.test_fleet_troubles import begin, only_ws_3
from tests.runner.test_fleets import ENVIRONMENT, fleet, make, stand

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

GOOD = ("acme", "Acme", "ACME", "bare", "wide", "é" * 31)
"""Their version tables hold what they should; of `bare` no table is there."""
TENANT = 'context.get_x_argument(as_dictionary=True)["tenant"]'
TRANSLATED = f'connection = connection.execution_options(schema_translate_map={{"tenant": {TENANT}}})'


def version_table(database: Database, schema: str, *heads: str, layout: str = "version_num varchar(32)") -> None:
    database.rows(f'create table "{schema}".alembic_version ({layout})')
    for one in heads:
        database.rows(f"insert into \"{schema}\".alembic_version (version_num) values ('{one}')")


def test_version_tables_of_every_kind_end_each_tenant_in_its_own_way(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *GOOD, "ahead", "column", "damaged", "heads", "view")
    any_project.begin().table("one").table("two")
    version_table(database, "ahead", "future")
    version_table(database, "bare", "two")
    version_table(database, "column", layout="version text")
    version_table(database, "damaged", "one", "two")
    version_table(database, "heads", "one", "future")
    version_table(database, "wide", "one", layout="version_num text primary key, at timestamptz default now()")
    database.rows("create view view.alembic_version as select 'one'::text as version_num")
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, pattern="%", exclude=["public"])
    assert run.result.tenants
    assert (run.code, run.result.tenants.total, run.result.tenants.up_to_date) == (70, 11, 7), run.stderr
    failures = {one.names: (one.reason, one.sqlstate) for one in run.result.tenants.failures}
    assert failures == {
        ("column",): ("VersionTableDamaged", "42703"),
        ("damaged",): ("VersionTableDamaged", ""),
        ("heads",): ("Diverged", ""),
        ("view",): ("RevisionFailed", "55000"),
    }
    rows = stand(database)
    assert {rows[one] for one in GOOD if rows.pop(one) != (["two"], "UpToDate")} == set()
    assert (rows["ahead"], set(rows)) == (
        (["future"], "DatabaseAhead"),
        {"ahead", "column", "damaged", "heads", "view"},
    )
    assert "bare" in run.result.tenants.drifted_names


def test_a_schema_that_is_renamed_during_the_run_is_a_tenant_by_its_new_name(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *(f"ws_{number}" for number in range(1, 6)))
    any_project.begin().table("one").revision("two", only_ws_3(HELD_UP))
    with holding_up(database):
        process = begin(runner, any_project, database, pattern="ws\\_%", maxParallel=1)
        until(lambda: held_up(database), what="the third tenant")
        for old, new in (("ws_5", "ws_9"), ("ws_1", "ws_8"), ("ws_3", "ws_7")):
            database.rows(f"alter schema {old} rename to {new}")
    run = process.finish()
    assert run.result.tenants
    assert (run.code, run.result.tenants.total, run.result.tenants.up_to_date) == (70, 5, 4), run.stderr
    (group,) = run.result.tenants.failures
    assert (group.names, group.reason) == (("ws_7",), "PartlyApplied"), "it was in an autocommit_block"
    assert "ws_4" not in group.message, "what other tenants made meanwhile is not its own"
    done = dict.fromkeys(("ws_2", "ws_4", "ws_8", "ws_9"), (["two"], "UpToDate"))
    assert stand(database) == done | {"ws_7": (["one"], "PartlyApplied")}
    assert database.value("select count(*) from pg_namespace where nspname in ('ws_1', 'ws_3', 'ws_5')") == 0


def test_a_role_with_settings_of_its_own_on_a_server_with_few_connections(any_project: Project, runner: Runner) -> None:
    any_project.begin().revision("one", 'op.execute("create table own (m mood)")')
    any_project.revision("two", 'op.execute("select pg_sleep(0.4)")')
    with server.own({"max_connections": "12"}) as small:
        small.database.rows("create database shop")
        shop = small.database.named("shop")
        names = [f"ws_{number}" for number in range(12)]
        make(shop, "elsewhere", *names)
        shop.rows("create type public.mood as enum ('good')")
        with users(shop, "app") as (app,):
            shop.rows(f"grant usage, create on schema elsewhere, {', '.join(names)} to {app.user}")
            shop.rows(f"alter role {app.user} set search_path to elsewhere")
            shop.rows(f"alter role {app.user} set statement_timeout to '200ms'")
            run = fleet(runner, any_project, app, "upgrade", *ENVIRONMENT, pattern="ws\\_%", maxParallel=64)
            made = shop.rows("select schemaname from pg_tables where tablename = 'own' order by 1")
            shop.rows(f"drop owned by {app.user}")
    assert (run.code, str(run.result.tenants)) == (0, "12 of 12 tenants are up to date"), run.stderr
    assert {name for (name,) in made} == set(names)


WAITS = """
import sqlalchemy as sa
if op.get_bind().execute(sa.text("select current_database()")).scalar().endswith("_dropped"):
    op.execute("select pg_sleep(60)")
"""


def quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""'))


@pytest.fixture
def apart(database: Database) -> Iterator[dict[str, Database]]:
    """Make databases, by what is special about them."""
    endings = ('_a "name"', "_dropped", "_forbidden", "_shut", "_template")
    made = {one: database.named(database.name + one) for one in endings}
    for one in made.values():
        database.rows(f"create database {quoted(one.name)} strategy file_copy template template0")
    yield made
    for one in made.values():
        if database.value(f"select count(*) from pg_database where datname = '{one.name}'"):
            database.rows(f"alter database {quoted(one.name)} is_template false")
            database.rows(f"drop database {quoted(one.name)} with (force)")


def test_databases_that_cannot_be_migrated_say_why_and_one_is_dropped_during_the_run(
    any_project: Project, runner: Runner, database: Database, apart: dict[str, Database]
) -> None:
    any_project.begin().table("one").revision("two", WAITS)
    with users(database, "app") as (app,):
        for one in apart.values():
            database.rows(f"revoke connect on database {quoted(one.name)} from public")
            if not one.name.endswith("_forbidden"):
                database.rows(f"grant connect, create on database {quoted(one.name)} to {app.user}")
            one.rows(f"grant create on schema public to {app.user}")
        database.rows(f"alter database {quoted(apart['_shut'].name)} allow_connections false")
        database.rows(f"alter database {quoted(apart['_template'].name)} is_template true")
        process = begin(
            runner, any_project, app, *ENVIRONMENT, kind="Databases", names=[one.name for one in apart.values()]
        )
        sleeping = f"select count(*) from pg_stat_activity where wait_event = 'PgSleep' and usename = '{app.user}'"
        until(lambda: database.value(sleeping), what="the revision that waits")
        database.rows(f"drop database {quoted(apart.pop('_dropped').name)} with (force)")
        run = process.finish()
        database.rows(f"alter database {quoted(apart['_shut'].name)} allow_connections true")
        for one in apart.values():
            one.rows(f"drop owned by {app.user}")
    assert run.result.tenants
    assert (run.result.tenants.total, run.result.tenants.up_to_date) == (5, 2), run.stderr
    why = {one.names[0].removeprefix(database.name): (one.reason, one.sqlstate) for one in run.result.tenants.failures}
    assert why == {
        "_dropped": ("TenantNotFound", ""),
        "_forbidden": ("PermissionDenied", "42501"),
        "_shut": ("DatabaseUnreachable", "55000"),
    }


def test_an_env_py_may_translate_schemas_instead_of_setting_a_search_path(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2")
    arguments = f", version_table_schema={TENANT}, include_schemas=True"
    any_project.begin(before=TRANSLATED, arguments=arguments)
    any_project.revision("one", 'op.create_table("basket", sa.Column("id", sa.Integer), schema="tenant")')
    run = fleet(runner, any_project, database, pattern="ws\\_%", argument="tenant={}")
    assert (run.code, str(run.result.tenants)) == (0, "2 of 2 tenants are up to date"), run.stderr
    made = database.rows("select schemaname from pg_tables where tablename = 'basket' order by 1")
    assert made == [("ws_1",), ("ws_2",)]
