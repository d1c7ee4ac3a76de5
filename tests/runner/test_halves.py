"""Revisions of which a part is committed before the rest: never again blindly, and said which."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import DRIVERS
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

CONFLICT = "op.execute(\"do $$ begin raise exception 'victim' using errcode = '40P01'; end $$\")"
BLOCK = "with op.get_context().autocommit_block():"


def _upgraded(runner: Runner, project: Project, database: Database) -> Run:
    return runner.run(project, "upgrade", APP_URL=database.url(project.driver))


def test_a_failure_behind_committed_statements_is_not_tried_again_and_lists_them(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision(
        "two",
        f"""
        op.execute("create table before (id int)")
        {BLOCK}
            op.execute("insert into one values (4711)")
            op.execute("select count(*) from one")
            {CONFLICT}
        """,
    )
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("create table before (id int)", "insert into one values (?)")
    assert (run.result.error.revision, run.result.error.message) == ("two", "victim")
    assert "committed" in run.result.error.hint
    assert not run.said("retrying")
    assert (database.heads(), database.value("select count(*) from one")) == (["one"], 1)


def test_a_conflict_where_only_repeatable_statements_are_committed_is_tried_again(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create sequence tries")
    any_project.begin().revision(
        "one",
        f"""
        {BLOCK}
            op.execute("create table if not exists half (id int)")
            if op.get_bind().scalar(sa.text("select nextval('tries')")) < 3:
                {CONFLICT}
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, database.heads(), len(run.said("retrying"))) == (0, ["one"], 2), run.stderr


def test_a_final_failure_lists_what_is_committed_although_it_may_run_twice(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", f'{BLOCK}\n    op.execute("create table if not exists half (id int)")\n1 / 0')
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("create table if not exists half (id int)",)


CUT = """
import os, socket, threading
raw = op.get_bind().connection.dbapi_connection
fd = raw.fileno() if hasattr(raw, "fileno") else raw._connection._transport.get_extra_info("socket").fileno()
cut = lambda: socket.socket(fileno=os.dup(fd)).shutdown(socket.SHUT_RDWR)
"""
"""Cuts the connection of a revision from within; the server's answer then has nowhere to go."""


@pytest.mark.parametrize(
    ("driver", "block"),
    [*((one, BLOCK) for one in DRIVERS), ("asyncpg", 'op.execute("COMMIT")\nif True:')],
    ids=[*DRIVERS, "asyncpg behind a COMMIT"],
)
def test_a_connection_lost_in_a_statement_of_unknown_outcome_is_not_tried_again(
    project: Project, runner: Runner, database: Database, block: str
) -> None:
    database.rows("create table old (id int); insert into old values (1)")
    statement = "update old set id = 2 from pg_sleep(2)"
    project.begin().revision(
        "one", f'{CUT}{block}\n    threading.Timer(0.5, cut).start()\n    op.execute("{statement}")'
    )
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert (run.result.error.committed, run.result.error.statement[:10]) == ((), "update old")
    assert "whether it took effect" in run.result.error.hint


@pytest.mark.parametrize(
    ("block", "lines"),
    [
        (
            "if True:",
            'threading.Timer(0.5, cut).start(); op.execute("create table new as select 1 as id from pg_sleep(2)")',
        ),
        (BLOCK, 'threading.Timer(0.5, cut).start(); op.execute("select pg_sleep(2)")'),
    ],
    ids=["in a transaction", "a statement that may run twice"],
)
def test_a_connection_lost_without_any_effect_is_tried_again(
    any_project: Project, runner: Runner, database: Database, block: str, lines: str
) -> None:
    any_project.begin().revision("one", f"{CUT}{block}\n    {lines}")
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr


def test_a_statement_of_unknown_outcome_counts_as_committed_when_the_script_goes_on(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table old (id int); insert into old values (1)")
    any_project.begin().revision(
        "one",
        """
        import os, socket, threading
        other = sa.create_engine(os.environ["APP_URL"], isolation_level="AUTOCOMMIT").connect()
        there = socket.socket(fileno=os.dup(other.connection.dbapi_connection.fileno()))
        threading.Timer(0.5, there.shutdown, [socket.SHUT_RDWR]).start()
        try:
            other.execute(sa.text("update old set id = 2 from pg_sleep(2)"))
        except sa.exc.DBAPIError:
            op.execute("select 1")
        1 / 0
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("update old set id = ? from pg_sleep(?)",)


def test_a_commit_that_the_server_refuses_has_committed_nothing(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table tree (id int primary key, above int references tree deferrable initially deferred)")
    any_project.begin().revision("one", f'op.execute("insert into tree values (1, 2)")\n{BLOCK}\n    pass')
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.committed) == ("23503", ())


@pytest.mark.parametrize("driver", ["psycopg", "asyncpg"])
def test_a_connection_that_the_server_ended_with_an_answer_is_tried_again(
    project: Project, runner: Runner, database: Database
) -> None:
    statement = "create table new as select pg_terminate_backend(pg_backend_pid()) as ended"
    project.begin().revision("one", f'{BLOCK}\n    op.execute("{statement}")')
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr
    assert run.result.error
    assert "PendingRollback" not in run.result.error.message


def test_a_run_that_is_stopped_behind_committed_statements_is_partly_applied(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        f"""
        {BLOCK}
            op.execute("create table half (id int)")
            op.execute("select pg_sleep(300)")
        """,
    )
    process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    until(lambda: database.value("select to_regclass('half')"))
    process.popen.terminate()
    run = process.finish()
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert run.result.error.message.startswith("stopped by SIGTERM")
    assert "rolled back" not in run.result.error.message


def test_a_revision_that_is_in_the_version_table_after_all_is_not_partly_applied(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        f"""
        {BLOCK}
            op.execute("create table half (id int)")
        dialect = op.get_bind().dialect
        def commit(connection, committed=dialect.do_commit):
            committed(connection)
            raise dialect.loaded_dbapi.OperationalError("server closed the connection unexpectedly")
        dialect.do_commit = commit
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, run.result.to) == (75, "DatabaseUnreachable", ("one",)), run.stderr


def test_a_statement_that_is_repeated_is_listed_once(any_project: Project, runner: Runner, database: Database) -> None:
    database.rows("create table counted (id int)")
    any_project.begin().revision(
        "one",
        f"""
        {BLOCK}
            for number in range(2000):
                op.execute(f"insert into counted values ({{number}})")
            1 / 0
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert run.result.error
    assert run.result.error.committed == ("insert into counted values (?)",)


# Scripts that end their transaction themselves
