"""What the log says of each revision: its locks, the tables it rewrote, how long it took."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

TABLES = """
create table users (id int, name varchar(20));
create table orders (id int, "user" int);
create table notes (id int);
create table "Old" (id int);
create schema "Other ""one"" here";
create table "Other ""one"" here".users (id int)
"""


def _facts(run: Run, revision: str) -> dict[str, Any]:
    assert run.code == 0, run.stderr
    (line,) = (one for one in run.said("revision applied") if one["revision"] == revision)
    return {key: line[key] for key in ("locks", "rewritten") if key in line}


def test_the_log_names_the_locks_that_a_revision_took_and_the_tables_it_rewrote(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows(TABLES)
    project.begin().revision(
        "one",
        """
        op.execute("create table fresh (id int)")
        op.execute("alter table users alter column id type bigint")
        op.execute("alter table orders add column note text")
        op.execute("select * from orders")
        op.execute('select * from "Other ""one"" here".users for update')
        with op.get_bind().begin_nested():
            op.execute("truncate notes")
        op.execute('drop table "Old"')
        """,
    )
    project.revision("two", 'op.execute("insert into users values (1)")')
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert _facts(run, "one") == {
        "locks": {
            **dict.fromkeys(("Old", "notes", "orders", "users"), "AccessExclusiveLock"),
            'Other "one" here.users': "RowShareLock",
        },
        "rewritten": ["notes", "users"],
    }
    assert _facts(run, "two") == {"locks": {"users": "RowExclusiveLock"}, "rewritten": []}


def test_nothing_is_said_of_locks_that_were_released_with_an_earlier_commit(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows(TABLES)
    project.begin().revision(
        "one",
        """
        op.execute("alter table users alter column id type bigint")
        with op.get_context().autocommit_block():
            op.execute("create index concurrently by_id on users (id)")
        op.execute("alter table orders add column note text")
        """,
    )
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert _facts(run, "one") == {}


def test_nothing_is_said_of_locks_where_every_statement_is_committed_at_once(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows(TABLES)
    any_project.begin(before='connection = connection.execution_options(isolation_level="AUTOCOMMIT")')
    any_project.revision("one", 'op.execute("alter table users alter column id type bigint")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert _facts(run, "one") == {}


def test_a_revision_that_touches_many_tables_still_makes_a_line_that_can_be_read(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("; ".join(f"create table t{number} (id int)" for number in range(60)))
    any_project.begin().revision(
        "one", 'for number in range(60): op.execute(f"alter table t{number} add column note text")'
    )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    (line,) = run.said("revision applied")
    assert len(line["locks"]) + line["locks not shown"] == 60
    assert line["locks not shown"] == 20


def test_the_log_says_when_each_revision_began_and_how_long_everything_took(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision("two", 'op.execute("select pg_sleep(0.2)")')
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    told = [(one["event"], one.get("revision")) for one in run.events if one["event"].startswith("revision")]
    assert told == [(f"revision {event}", one) for one in ("one", "two") for event in ("started", "applied")]
    assert run.said("revision applied")[1]["ms"] >= 200
    (ended,) = run.said("ended")
    assert ended["seconds"] * 1000 >= sum(one["ms"] for one in run.said("revision applied"))


def test_a_result_fits_after_345_revisions_and_an_error_of_a_megabyte(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin()
    for number in range(345):
        any_project.revision(f"{number:04}_a_name_as_long_as_they_are")
    any_project.revision("last", "op.execute(\"do $$ begin raise exception '%', repeat('ü', 1000000); end $$\")")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.pending) == (70, "RevisionFailed", 1), run.stderr[-2000:]
    assert len(runner.started[0].report.read_bytes()) <= 4096
    assert (run.result.applied_count, len(run.said("revision applied"))) == (345, 345)
    assert run.result.error
    assert (run.result.error.revision, run.result.error.sqlstate) == ("last", "P0001")
    assert run.result.error.message.startswith("üüüü")
    assert max(map(len, run.stderr.splitlines())) < 100_000
