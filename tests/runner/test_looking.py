"""`check`, `plan` and `gate` change nothing, whatever env.py, or the application that it loads, does to the"
" database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

TABLES = "select string_agg(nspname || '.' || relname, ' ') from pg_class c join pg_namespace n on n.oid = relnamespace"
OURS = f"{TABLES} where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema')"
BOOTSTRAP = """
import sqlalchemy as sa
metadata = sa.MetaData()
sa.Table("basket", metadata, sa.Column("id", sa.Integer, primary_key=True))

def bootstrap(connection):
    if not sa.inspect(connection).get_table_names():
        metadata.create_all(connection)
        context.get_context().stamp(context.script, "one")

"""


def _bootstrapping(project: Project) -> Project:
    """Make a new installation from the models, and stamp it, as a public project does."""
    project.begin().table("one").table("two")
    path = project.folder / "migrations" / "env.py"
    text = path.read_text().replace("config = context.config\n", BOOTSTRAP + "config = context.config\n")
    text = text.replace(
        "            context.run_migrations()",
        "            bootstrap(connection)\n            context.run_migrations()",
    )
    text = text.replace(
        "        context.run_migrations()\n\nasync",
        "        bootstrap(connection)\n        context.run_migrations()\n\nasync",
    )
    assert text.count("bootstrap(connection)") == 2
    path.write_text(text)
    return project


def _told(run: Run) -> tuple[int, str, int]:
    return run.code, run.result.reason, run.result.pending


def test_an_env_py_that_makes_a_new_installation_makes_none_while_it_is_looked_at(
    project: Project, runner: Runner, database: Database
) -> None:
    given = [] if project.driver == "psycopg2" else ["--database", "environment"]
    _bootstrapping(project)
    environment = {"APP_URL": database.url(project.driver), **database.environment()}
    for command in ("check", "plan"):
        run = runner.run(project, command, *given, **environment)
        assert (_told(run), database.value(OURS)) == ((0, "Pending", 2), None), run.stderr
        assert "stamp" not in " ".join(run.result.warnings)
    gates = [runner.start(project, "gate", *given, **environment) for _ in range(3)]
    until(lambda: all(one.said("waiting") for one in gates))
    assert database.value(OURS) is None
    run = runner.run(project, "upgrade", *given, **environment)
    assert (_told(run), database.heads()) == ((0, "UpToDate", 0), ["two"]), run.stderr
    for gate in gates:
        run = gate.finish()
        assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr


@pytest.mark.parametrize(
    "line",
    [
        'connection.execute(text("create schema if not exists shop"))',
        'connection.execute(text("CREATE SCHEMA IF NOT EXISTS shop;\\n")); getattr(connection, "commit", print)()',
        'connection.execute(text("create table if not exists shop.alembic_version (version_num text)"))',
    ],
)
def test_what_env_py_makes_when_it_is_not_there_is_left_out(
    any_project: Project, runner: Runner, database: Database, line: str
) -> None:
    any_project.begin(before=line, arguments=", version_table_schema='shop'").table("one")
    if "schema" not in line.lower():
        database.rows("create schema shop")
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (_told(run), database.value(OURS)) == ((0, "Pending", 1), None), run.stderr
    assert runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2")).code == 0
    for command in ("check", "gate"):
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert _told(run) == (0, "UpToDate", 0), run.stderr


def test_tables_that_the_application_makes_first_are_not_made_by_a_look_and_are_no_schema_to_stamp(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(
        before='connection.execute(text("create table made (id int)")); getattr(connection, "commit", print)()'
    ).table("made")
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (_told(run), database.value(OURS)) == ((0, "Pending", 1), None), run.stderr
    assert "stopped there" in run.result.warnings[0]
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert "in this very run" in run.result.error.hint
    assert "stamp" not in run.result.error.hint + " ".join(run.result.warnings)


def test_an_env_py_that_must_write_before_it_says_anything_may_under_the_lock_and_is_told(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table started (at timestamptz)")
    before = 'connection.execute(text("insert into started values (now())")); getattr(connection, "commit", print)()'
    any_project.begin(before=before, arguments=", version_table='v' + 'ersions'").table("one")
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (_told(run), database.value("select count(*) from started")) == ((0, "Pending", 1), 0), run.stderr
    assert runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2")).code == 0
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert _told(run) == (0, "UpToDate", 0), run.stderr
    assert "under the lock" in " ".join(run.result.warnings)
    gate = runner.run(any_project, "gate", APP_URL=database.url("psycopg2"))
    assert gate.code == 0, gate.stderr


def test_an_env_py_that_asks_to_write_is_looked_at_and_does_not(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(
        before="""
        ends = getattr(connection, "rollback", print)
        connection.execute(text("select 1"))
        connection.execute(text("SET TRANSACTION READ WRITE"))
        ends()
        for number, words in enumerate((
            "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
            "set session characteristics as transaction read write",
            "SET default_transaction_read_only = off",
            "set local transaction_read_only to 'off'",
            "select set_config('default_transaction_read_only', 'off', false)",
            "",
        )):
            try:
                if words:
                    connection.execute(text(words))
                else:
                    connection.execution_options(postgresql_readonly=False)
                connection.execute(text(f"create table made_{number} (id int)"))
                getattr(connection, "commit", print)()
            except Exception:
                ends()
        """
    ).table("one")
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (_told(run), database.value(OURS)) == ((0, "Pending", 1), None), run.stderr


def test_an_env_py_that_locks_the_version_table_locks_nobody_out_while_it_is_looked_at(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    database.rows("create table alembic_version (version_num text); insert into alembic_version values ('one')")
    path = any_project.folder / "migrations" / "env.py"
    lock = 'connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))\n            context.run'
    path.write_text(path.read_text().replace("context.run", lock))
    with database.connect(autocommit=False) as reader:
        reader.execute("select * from alembic_version")
        run = runner.run(any_project, "check", "--deadline", "20s", APP_URL=database.url("psycopg2"))
    assert (_told(run), run.result.warnings) == ((0, "UpToDate", 0), ()), run.stderr


def test_a_look_makes_no_database_elsewhere(any_project: Project, runner: Runner, database: Database) -> None:
    name = f"{database.name}_made"
    any_project.begin(
        before=f"""
        from sqlalchemy import create_engine as made
        with made(os.environ["MAIN"], isolation_level="AUTOCOMMIT").connect() as main:
            main.execute(text("create database {name}"))
        """
    ).table("one")
    main = database.named("postgres").url("psycopg2")
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"), MAIN=main)
    assert _told(run) == (0, "Pending", 1), run.stderr
    assert not database.rows(f"select 1 from pg_database where datname = '{name}'")


def test_an_engine_with_a_creator_of_its_own_is_read_only_too(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(
        before='connection.execute(text("create table made (id int)")); getattr(connection, "commit", print)()'
    ).table("one")
    path = any_project.folder / "migrations" / "env.py"
    creator = 'creator=lambda: __import__("psycopg2").connect(os.environ["DSN"])'
    path.write_text(path.read_text().replace('os.environ["APP_URL"]', f'"postgresql+psycopg2://", {creator}'))
    dsn = f"host={database.host} port={database.port} user={database.user} dbname={database.name}"
    run = runner.run(any_project, "check", DSN=dsn, PGPASSWORD=database.password)
    assert database.value(OURS) is None, run.stderr
