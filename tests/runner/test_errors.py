"""What the Result and the log say of errors that a retry does not heal, and conflicts that it does."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project
from tests.runner.server import until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database


@pytest.mark.every_driver
def test_a_violated_constraint_is_told_without_the_values_of_the_row(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table account (email text primary key); insert into account values ('jane@example.org')")
    project.begin().revision(
        "one",
        """
        row = {"email": "@".join(("jane", "example.org"))}
        op.get_bind().execute(sa.text("insert into account values (:email)"), row)
        """,
    )
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    error = run.result.error
    assert error
    assert (error.revision, error.sqlstate) == ("one", "23505")
    assert error.message == 'duplicate key value violates unique constraint "account_pkey"'
    assert error.statement.startswith("insert into account values (")
    assert error.hint
    assert "jane@example.org" not in run.everything
    (failed,) = run.said("failed")
    assert 'op.get_bind().execute(sa.text("insert into account' in failed["traceback"]
    assert "account_pkey" in failed["traceback"]


@pytest.mark.parametrize(
    ("sql", "sqlstate", "message", "statement"),
    [
        (
            "insort into t values ('secret', 1)",
            "42601",
            'syntax error at or near "insort"',
            "insort into t values (?, ?)",
        ),
        (
            "select cast('secret' as int)",
            "22P02",
            "invalid input syntax for type integer: ?",
            "select cast(? as int)",
        ),
    ],
)
def test_broken_sql_is_told_with_its_literals_masked(
    any_project: Project, runner: Runner, database: Database, sql: str, sqlstate: str, message: str, statement: str
) -> None:
    any_project.begin().revision("one", f'op.execute("{sql}")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url(any_project.driver))
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    error = run.result.error
    assert error
    assert (error.revision, error.sqlstate, error.message) == ("one", sqlstate, message)
    assert error.statement == statement
    assert error.hint


@pytest.mark.every_driver
def test_a_user_that_may_not_log_in_is_an_authentication_failure(
    project: Project, runner: Runner, database: Database
) -> None:
    role = f"role_{database.name}"
    database.rows(f"create role {role} nologin password 'secret'")
    try:
        project.begin().table("one")
        url = f"postgresql+{project.driver}://{role}:secret@{database.host}:{database.port}/{database.name}"
        run = runner.run(project, "upgrade", APP_URL=url)
        assert (run.code, run.result.reason) == (77, "AuthenticationFailed"), run.stderr
        assert run.result.error
        assert run.result.error.sqlstate == "28000"
    finally:
        database.rows(f"drop role {role}")


@pytest.mark.every_driver
def test_a_refused_login_is_told_by_its_sqlstate_in_whatever_language(
    project: Project, runner: Runner, database: Database
) -> None:
    if database.value("select current_setting('server_version_num')::int") < 170000:
        pytest.skip("no event triggers at login before PostgreSQL 17")
    refusal = "raise exception 'Zugriff verweigert' using errcode = '42501'"
    database.rows(
        f"create function refuse() returns event_trigger language plpgsql as $$ begin {refusal}; end $$;"
        " create event trigger refuse on login execute function refuse()"
    )
    project.begin().table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason) == (77, "PermissionDenied"), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, "Zugriff verweigert" in run.result.error.message) == ("42501", True)


def test_a_timeout_of_the_databases_own_is_named_where_the_driver_tells_it(
    tmp_path: Path, runner: Runner, database: Database
) -> None:
    database.rows(f"alter database {database.name} set idle_in_transaction_session_timeout = '200ms'")
    project = Project(tmp_path / "project", "psycopg").begin()
    project.revision("one", 'import time\ntime.sleep(1)\nop.execute("select 1")')
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg"))
    assert run.result.error
    assert (run.code, run.result.reason, run.result.error.sqlstate) == (76, "StatementTimeout", "25P03"), run.stderr
    assert "the database" in run.result.error.hint


@pytest.mark.every_driver
def test_the_victim_of_a_deadlock_is_tried_again_and_applied_once(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table mine (id int); create table theirs (id int); create sequence tries")
    project.begin().revision(
        "one",
        """
        import time
        op.execute("lock table mine")
        op.execute("insert into mine values (1)")
        waiting = sa.text("select count(*) from pg_locks where not granted and relation = 'mine'::regclass")
        if op.get_bind().scalar(sa.text("select nextval('tries')")) == 1:
            while not op.get_bind().scalar(waiting):
                time.sleep(0.02)
        op.execute("lock table theirs")
        """,
    )
    with database.connect(autocommit=False) as other:
        other.execute("set deadlock_timeout = '60s'")
        other.execute("lock table theirs")
        process = runner.start(project, "upgrade", "--lock-timeout", "30s", APP_URL=database.url(project.driver))
        until(lambda: database.value("select is_called from tries"), 60, "the revision has begun")
        thread = threading.Thread(target=other.execute, args=("lock table mine",))
        thread.start()
        thread.join(60)
        other.rollback()
    run = process.finish()
    assert (run.code, database.rows("select * from mine")) == (0, [(1,)]), run.stderr
    (retried,) = run.said("retrying")
    assert (retried["reason"], "deadlock detected" in retried["message"]) == ("Conflict", True)


def test_a_serialization_failure_is_tried_again_and_applied_once(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table account as select 100 as balance; create sequence tries")
    serializable = 'connection.execution_options(isolation_level="SERIALIZABLE")'
    any_project.begin(before=serializable).table("one").revision(
        "two",
        """
        import time
        op.get_bind().scalar(sa.text("select balance from account"))
        if op.get_bind().scalar(sa.text("select nextval('tries')")) == 1:
            while not op.get_bind().scalar(sa.text("select last_value = 2 from tries")):
                time.sleep(0.02)
        op.execute("update account set balance = balance * 2")
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: database.value("select is_called from tries"), 60, "the revision has begun")
    database.rows("update account set balance = 150")
    database.rows("select setval('tries', 2)")
    run = process.finish()
    assert (run.code, database.rows("select * from account")) == (0, [(300,)]), run.stderr
    (retried,) = run.said("retrying")
    assert (retried["reason"], "could not serialize" in retried["message"]) == ("Conflict", True)


def test_a_schema_that_another_session_makes_too_is_a_conflict_that_the_next_attempt_heals(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision("one", 'op.execute("create schema if not exists common")')
    with database.connect(autocommit=False) as other:
        other.execute("create schema common")
        process = runner.start(project, "upgrade", "--lock-timeout", "60s", APP_URL=database.url(project.driver))
        waiting = "select count(*) from pg_stat_activity where wait_event = 'transactionid' and datname ="
        until(lambda: database.value(f"{waiting} current_database()"), 60, "the revision waits")
        other.commit()
    run = process.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    (retried,) = run.said("retrying")
    assert (retried["reason"], "pg_namespace_nspname_index" in retried["message"]) == ("Conflict", True)


def test_an_error_without_words_ends_as_any_other(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").revision(
        "two",
        """
        class Speechless(Exception):
            def __str__(self):
                raise RuntimeError("no words")
        raise Speechless
        """,
    )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to) == (70, "RevisionFailed", ("one",)), run.stderr
    assert run.result.error
    assert (run.result.error.revision, run.result.error.message) == ("two", "Speechless")


@pytest.mark.parametrize(
    "script",
    [
        (
            "kind = sa.Enum('a', 'b', name='kind')\nkind.create(op.get_bind())\nop.execute(\"create type kind as enum"
            " ('a')\")"
        ),
        'op.execute("create table t (id int)"); op.execute("create table public.t (id int)")',
        (
            "op.create_table('t', sa.Column('a', sa.Integer)); op.add_column('t', sa.Column('b', sa.Integer));"
            " op.add_column('t', sa.Column('b', sa.Integer))"
        ),
        'op.execute("create table t (a int, a int)")',
    ],
)
def test_an_object_that_the_first_revision_itself_makes_twice_says_nothing_of_the_tables_that_are_there(
    any_project: Project, runner: Runner, database: Database, script: str
) -> None:
    database.rows("create table there (id int)")
    any_project.begin().revision("one", script)
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert "twice" in run.result.error.hint
    assert "stamp" not in run.result.error.hint
    assert "index=True" not in run.result.error.hint
