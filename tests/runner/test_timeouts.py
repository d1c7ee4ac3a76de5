"""Which timeouts a statement runs under."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

OWN_TIMEOUT = "connection.execute(text(\"set lock_timeout = '7s'\")); connection.commit()"
SETTING = "current_setting('lock_timeout') as value"


def test_a_lock_timeout_of_env_py_or_of_a_script_is_respected(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin(before=OWN_TIMEOUT).revision(
        "one",
        f"""
        op.execute("set local lock_timeout = '9s'")
        op.execute("create table script as select {SETTING}")
        with op.get_context().autocommit_block():
            op.execute("create table block as select {SETTING}, {SETTING.replace("lock", "statement")}2")
        op.execute("create table behind as select {SETTING}")
        """,
    )
    project.revision("two", f'op.execute("create table later as select {SETTING}")')
    run = runner.run(project, "upgrade", "--statement-timeout", "1m", APP_URL=database.url(project.driver))
    assert run.code == 0, run.stderr
    assert database.value("select value2 from block") == "0"
    values = [database.value(f"select value from {name}") for name in ("script", "block", "behind", "later")]
    assert values == ["9s", "0", "7s", "7s"]


def test_0s_means_no_timeout_as_in_postgresql_and_the_longest_is_the_longest_it_has(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        f"""
        op.execute("create table lock as select {SETTING}")
        op.execute("create table statement as select {SETTING.replace("lock", "statement")}")
        """,
    )
    words = ("--lock-timeout", "0s", "--statement-timeout", "9000h")
    run = runner.run(any_project, "upgrade", *words, APP_URL=database.url("psycopg2"))
    assert run.code == 0, run.stderr
    assert database.value("select value from lock") == "0"
    assert database.value("select value from statement") == "2147483647ms"


@pytest.mark.every_driver
def test_a_concurrent_index_build_has_no_timeout_where_env_py_commits_every_statement_at_once(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    project.begin(before='connection = connection.execution_options(isolation_level="AUTOCOMMIT")')
    project.revision(
        "one",
        f"""
        op.create_index("by_id", "busy", ["id"], postgresql_concurrently=True)
        op.execute("create table after as select {SETTING}")
        """,
    )
    words = ("--lock-timeout", "300ms", "--statement-timeout", "400ms")
    with database.connect(autocommit=False) as holder:
        holder.execute("insert into busy values (1)")
        process = runner.start(project, "upgrade", *words, APP_URL=database.url(project.driver))
        until(lambda: process.popen.poll() is not None or _waited(database) > 0.9, what="more than both timeouts")
        holder.rollback()
    run = process.finish()
    assert run.code == 0, run.stderr
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")
    assert database.value("select value from after") == "300ms"


def test_a_concurrent_build_that_fails_changes_no_timeout_and_a_rebuild_has_none(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows(
        "create table busy as select 1 as id union all select 1; create function patient(id int) returns int immutable"
        " language plpgsql as $$ begin if current_setting('lock_timeout') = '300ms' then raise 'in a hurry'; end if;"
        " return id; end $$; create index by_id on busy (patient(id))"
    )
    any_project.begin(before='connection = connection.execution_options(isolation_level="AUTOCOMMIT")').revision(
        "one",
        f"""
        try:
            op.create_index("once", "busy", ["id"], unique=True, postgresql_concurrently=True)
        except sa.exc.DBAPIError:
            op.execute("create table failed as select {SETTING}")
        op.execute("drop index once")
        op.execute("reindex table concurrently busy")
        """,
    )
    run = runner.run(any_project, "upgrade", "--lock-timeout", "300ms", APP_URL=database.url("psycopg2"))
    assert run.code == 0, run.stderr
    assert database.value("select value from failed") == "300ms"


def test_a_concurrent_index_build_in_a_transaction_fails_at_once_and_changes_no_timeout(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        f"""
        op.execute("create table busy (id int)")
        try:
            with op.get_bind().begin_nested():
                op.create_index("by_id", "busy", ["id"], postgresql_concurrently=True)
        except sa.exc.DBAPIError:
            op.execute("create table after as select {SETTING}")
        """,
    )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert run.code == 0, run.stderr
    assert database.value("select value from after") == "2s"


def _waited(database: Database) -> float:
    return float(
        database.value(
            "select coalesce(max(extract(epoch from clock_timestamp() - query_start)), 0) "
            "from pg_stat_activity where query ilike '%concurrently%by_id%' "
            "and wait_event_type = 'Lock' and datname = current_database()"
        )
    )
