"""The mark that a run leaves before it does what no rollback undoes, for a run that is killed tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.database.versions import LOCK_CLASS_A
from tests.runner.marks import BLOCK, PAID, comment, killed_behind_the_payment, purse, upgraded
from tests.runner.rivals import users
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_a_mark_on_a_revision_that_somebody_completed_and_stamped_goes_away(
    any_project: Project, runner: Runner, database: Database
) -> None:
    killed_behind_the_payment(runner, any_project, database)
    database.rows("update alembic_version set version_num = 'two'")
    run = upgraded(runner, any_project, database)
    assert (run.code, database.heads(), purse(database)) == (0, ["three"], 1), run.stderr
    assert comment(database) == "ours"


def test_a_revision_that_ends_leaves_no_mark_and_the_comment_that_was_there(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table purse (coins int); insert into purse values (0)")
    seen = "create table seen as select obj_description('alembic_version'::regclass, 'pg_class') as comment"
    project.begin().revision("one", f'op.execute("create table own (id int)"){PAID}    op.execute("{seen}")')
    run = upgraded(runner, project, database)
    assert (run.code, comment(database)) == (0, None), run.stderr
    assert "revision one" in database.value("select comment from seen")


def test_a_failure_without_any_effect_takes_its_mark_away(project: Project, runner: Runner, database: Database) -> None:
    seen = "obj_description('alembic_version'::regclass, 'pg_class') like '%revision two%'"
    project.begin().table("one").revision(
        "two",
        f"""
        with op.get_context().autocommit_block():
            op.execute("do $$ begin if {seen} then raise 'marked'; end if; end $$")
        """,
    )
    run = upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert run.result.error.message == "marked"
    assert comment(database) is None


def test_a_mark_of_a_role_is_taken_away_as_the_role(any_project: Project, runner: Runner, database: Database) -> None:
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"alter role {login.user} noinherit; grant {owner.user} to {login.user}")
        any_project.begin().revision(
            "one", f'op.execute("select 1"){BLOCK}    op.execute("create tible half (id int)")'
        )
        words = ("upgrade", "--role", owner.user)
        run = runner.run(any_project, *words, APP_URL=login.url("psycopg2"))
        assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
        assert (comment(database), run.said("cannot take the mark from the version table")) == (None, [])
        database.rows("revoke all on alembic_version from public")
        any_project.last = None
        any_project.table("one")
        run = runner.run(any_project, *words, APP_URL=login.url("psycopg2"))
        assert (run.code, run.result.to) == (0, ("one",)), run.stderr


def test_what_is_committed_on_another_connection_leaves_no_mark(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision(
        "two",
        """
        import os
        with sa.create_engine(os.environ["APP_URL"]).begin() as other:
            other.execute(sa.text("create table beside (id int)"))
        op.execute("create table seen as select obj_description('alembic_version'::regclass, 'pg_class') as comment")
        """,
    )
    run = upgraded(runner, any_project, database)
    assert (run.code, database.value("select comment from seen")) == (0, None), run.stderr


def test_a_failure_behind_committed_statements_keeps_its_mark(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("create table one (id int)"); op.execute("commit"); 1 / 0')
    first, second = (upgraded(runner, any_project, database) for _ in range(2))
    assert (first.result.reason, second.result.reason) == ("PartlyApplied", "PartlyApplied"), first.stderr
    assert first.result.error
    assert second.result.error
    assert "IS NULL" in first.result.error.hint
    assert "earlier run" in second.result.error.message


def test_without_the_right_to_comment_it_runs_as_before(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create role clerk login password 'clerk'")
    try:
        database.rows(
            "create table purse (coins int); insert into purse values (0);"
            " create table alembic_version (version_num varchar(32) primary key);"
            " grant all on purse, alembic_version to clerk"
        )
        any_project.begin().revision("one", f'op.execute("update purse set coins = 1"){PAID}')
        url = f"postgresql+psycopg2://clerk:clerk@{database.host}:{database.port}/{database.name}"
        run = runner.run(any_project, "upgrade", APP_URL=url)
        assert (run.code, database.heads(), purse(database)) == (0, ["one"], 2), run.stderr
        assert run.said("cannot mark the version table")
    finally:
        database.rows("drop owned by clerk; drop role clerk")


def test_a_downgrade_that_is_half_done_stops_every_revision(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    any_project.revision("two", downgrade='op.execute("drop table one"); op.execute("COMMIT"); 1 / 0')
    upgraded(runner, any_project, database)
    first = runner.run(any_project, "downgrade", "--target", "one", APP_URL=database.url("psycopg2"))
    assert first.result.reason == "PartlyApplied", first.stderr
    any_project.table("three")
    run = upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, database.heads()) == (70, "PartlyApplied", ["two"]), run.stderr
    assert run.result.error
    assert "the downgrade of revision two" in run.result.error.message


def test_a_mark_stays_while_another_branch_is_migrated(
    any_project: Project, runner: Runner, database: Database
) -> None:
    killed_behind_the_payment(runner, any_project, database)
    any_project.revision("beside", down="one")
    run = runner.run(any_project, "upgrade", "--target", "beside", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["beside"]), run.stderr
    run = upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, purse(database)) == (70, "PartlyApplied", 1), run.stderr


RIVAL = """
with op.get_context().autocommit_block():
    if op.get_bind().scalar(sa.text("select nextval('tries')")) == 1:
        import os, psycopg2
        with psycopg2.connect(os.environ["APP_URL"].replace("+psycopg2", "")) as rival:
            rival.cursor().execute("select pg_terminate_backend(pid) from pg_locks where classid = {key}")
            rival.cursor().execute("comment on table alembic_version is '{mark}'")
        op.execute("do $$ begin raise exception 'victim' using errcode = '40P01'; end $$")
    op.execute("update purse set coins = coins + 1")
"""
"""Its first attempt fails; meanwhile its lock is lost, and another run takes it and is killed in the same revision."""


def test_a_mark_that_another_run_left_between_two_attempts_is_seen(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table purse (coins int); insert into purse values (0); create sequence tries")
    mark = "alembic-operator: revision one has begun what no rollback undoes, and has not ended"
    any_project.begin().revision("one", RIVAL.format(key=LOCK_CLASS_A, mark=mark))
    run = upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, purse(database)) == (70, "PartlyApplied", 0), run.stderr


def test_a_run_that_lost_its_lock_leaves_the_mark_for_it_may_be_of_another_run(
    any_project: Project, runner: Runner, database: Database
) -> None:
    ended = f"select pg_terminate_backend(pid) from pg_locks where classid = {LOCK_CLASS_A}"
    lines = f"op.execute(\"do $$ begin create table half as {ended}; raise 'victim'; end $$\")"
    any_project.begin().revision("one", f"with op.get_context().autocommit_block():\n    {lines}")
    run = upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.said("cannot take the mark from the version table")
    assert "revision one" in str(comment(database))


def test_what_cannot_be_marked_just_now_is_not_committed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    upgraded(runner, any_project, database)
    any_project.revision("two", 'op.execute("create table half (id int)"); op.execute("COMMIT")')
    with database.connect(autocommit=False) as other:
        other.execute("lock table alembic_version in share update exclusive mode")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url("psycopg2"))
        (said, *_) = until(lambda: process.said("retrying"))
        assert said["reason"] == "LockTimeout"
        assert database.value("select to_regclass('half')") is None
        other.rollback()
    run = process.finish()
    assert (run.code, database.heads(), comment(database)) == (0, ["two"], None), run.stderr
