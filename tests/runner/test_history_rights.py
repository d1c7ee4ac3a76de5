"""Who may make, write and drop the table of the history, and what others make of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from tests.runner.kept import KEPT, TABLE, has_history, recorded, told
from tests.runner.rivals import users

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_the_history_belongs_to_the_role_and_lies_in_the_schema(
    any_project: Project, runner: Runner, database: Database
) -> None:
    with users(database, "owner", "login") as (owner, login):
        database.rows(f"grant {owner.user} to {login.user}; grant create on database {database.name} to {owner.user}")
        any_project.begin().table("one")
        words = ("upgrade", *KEPT, "--role", owner.user, "--schema", "My Shop")
        run = runner.run(any_project, *words, APP_URL=login.url(any_project.driver))
        assert (told(run), recorded(database, schema="My Shop")) == ((0, "UpToDate"), ["one"]), run.stderr
        assert database.value(f"select tableowner from pg_tables where tablename = '{TABLE}'") == owner.user


def test_who_may_not_make_the_table_is_told_the_right_and_nothing_runs(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", APP_URL=database.url(any_project.driver))
    any_project.table("two")
    with users(database, "poor") as (poor,):
        database.rows(f"revoke create on schema public from {poor.user}; revoke create on schema public from public")
        database.rows(f"grant all on alembic_version to {poor.user}")
        run = runner.run(any_project, "upgrade", *KEPT, APP_URL=poor.url(any_project.driver))
        assert (told(run), run.result.to, database.heads()) == ((77, "PermissionDenied"), ("one",), ["one"]), run.stderr
        assert run.result.error
        assert run.result.error.message == (
            f'cannot make the table "public"."{TABLE}": user {poor.user} lacks the right CREATE on schema public'
        )
        assert f'GRANT CREATE ON SCHEMA "public" TO "{poor.user}"' in run.result.error.hint
        assert not has_history(database)


def test_who_may_not_write_the_table_is_told_the_rights_and_nothing_runs(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    any_project.table("two")
    with users(database, "poor") as (poor,):
        database.rows(f"grant all on alembic_version to {poor.user}; grant select on {TABLE} to {poor.user}")
        run = runner.run(any_project, "upgrade", *KEPT, APP_URL=poor.url("psycopg2"))
        assert (told(run), database.heads()) == ((77, "PermissionDenied"), ["one"]), run.stderr
        assert run.result.error
        assert f'GRANT INSERT, DELETE ON TABLE "public"."{TABLE}" TO "{poor.user}"' in run.result.error.hint
        database.rows(f"grant insert, delete on {TABLE} to {poor.user}")
        run = runner.run(any_project, "upgrade", *KEPT, APP_URL=poor.url("psycopg2"))
        assert (told(run), recorded(database)) == ((0, "UpToDate"), ["one", "two"]), run.stderr


def test_autogenerate_leaves_the_tables_where_env_py_leaves_them_out_as_the_guide_says(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    guide = (Path(__file__).resolve().parents[2] / "docs/howto/history.md").read_text(encoding="utf-8")
    snippet: dict[str, Any] = {}
    exec(guide.split("```python\n")[1].split("```")[0], snippet)
    engine = sa.create_engine(database.url("psycopg"))
    models = sa.MetaData()
    sa.Table("one", models, sa.Column("id", sa.Integer))

    def found(**options: Any) -> list[str]:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts=options)
            return [f"{kind} {thing.name}" for kind, thing in compare_metadata(context, models)]

    assert sorted(found()) == [f"remove_table {TABLE}", "remove_table alembic_operator_runs"]
    assert found(include_name=snippet["include_name"]) == []
    engine.dispose()


def test_a_revision_that_drops_the_table_is_rolled_back(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision("two", f'op.drop_table("{TABLE}")')
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url(any_project.driver))
    assert (told(run), database.heads(), recorded(database)) == ((70, "RevisionFailed"), ["one"], ["one"]), run.stderr
