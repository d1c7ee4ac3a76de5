"""The mark that a run leaves before it does what no rollback undoes, for a run that is killed tells nothing."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic_operator.core import names
from alembic_operator.runner.database.versions import LOCK_CLASS_A, LOCK_CLASS_B
from tests.runner.rivals import users
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Project, Run, Runner
    from tests.runner.server import Database

BLOCK = """
with op.get_context().autocommit_block():
"""
PAID = """
with op.get_context().autocommit_block():
    op.execute("update purse set coins = coins + 1")
    op.execute("select pg_advisory_lock_shared(4711)")
"""
"""Stops behind a statement that must not run twice, for as long as the test wants."""


def _upgraded(runner: Runner, project: Project, database: Database) -> Run:
    return runner.run(project, "upgrade", APP_URL=database.url(project.driver))


def _comment(database: Database) -> str | None:
    comment: str | None = database.value("select obj_description('alembic_version'::regclass, 'pg_class')")
    return comment


def _purse(database: Database) -> int:
    return int(database.value("select coins from purse"))


@contextmanager
def _blocking(database: Database) -> Iterator[None]:
    with database.connect() as holder:
        holder.execute("select pg_advisory_lock(4711)")
        yield


def _killed_behind_the_payment(runner: Runner, project: Project, database: Database) -> None:
    database.rows("create table purse (coins int); insert into purse values (0)")
    project.begin().table("one")
    _upgraded(runner, project, database)
    database.rows("comment on table alembic_version is 'ours'")
    project.revision("two", PAID).table("three")
    with _blocking(database):
        process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: _purse(database) == 1, what="the payment")
        process.popen.kill()
        process.popen.wait()


def _agree(runner: Runner, project: Project, database: Database, run: Run) -> None:
    """See that `check` says what `upgrade` said, from the texts and with Alembic, and that the gate waits for it."""
    quick = runner.run(project, "check", "--database", "environment", **database.environment())
    slow = runner.run(project, "check", APP_URL=database.url(project.driver))
    assert [(one.code, one.result.reason, one.result.error) for one in (quick, slow)] == [
        (70, "PartlyApplied", run.result.error)
    ] * 2, quick.stderr
    assert "looking with Alembic" in slow.stderr
    gate = runner.start(project, "gate", "--database", "environment", **database.environment())
    until(lambda: any("ended in the middle" in one["message"] for one in gate.said("waiting")), what="the gate's word")
    gate.popen.terminate()


SLOW = """
op.execute("alter table one add column b int, add constraint positive check (b > 0) not valid")
op.execute("create type mood as enum ('ok')")
with op.get_context().autocommit_block():
    op.execute("create index concurrently ix_a on one (id)")
    op.execute("alter type level add value 'high'")
with op.get_context().autocommit_block():
    op.execute("create index concurrently ix_b on other (id)")
"""
MADE = (
    "column public.one.b",
    "index public.ix_a",
    "invalid index public.ix_b",
    "unvalidated constraint positive on public.one",
    "value 'high' of type public.level",
    "type public.mood",
)


@contextmanager
def _in_the_build(runner: Runner, project: Project, database: Database) -> Iterator[Process]:
    """Begin a revision whose build on the table `other` waits for a writer; let it go when its session has ended."""
    with database.connect(autocommit=False) as writer:
        writer.execute("lock table other in row exclusive mode")
        process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: database.value("select to_regclass('ix_b')"), what="the build that waits for the writer")
        yield process
        process.popen.wait()
        until(lambda: not database.rows(f"select 1 from pg_locks where classid = {LOCK_CLASS_B}"), what="its end")


def test_what_the_catalogue_shows_of_a_run_that_was_killed_in_a_concurrent_build_is_listed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create type level as enum ('low'); create table other (id int)")
    any_project.begin().table("one")
    _upgraded(runner, any_project, database)
    any_project.revision("two", SLOW)
    with _in_the_build(runner, any_project, database) as process:
        check = runner.run(any_project, "check", "--database", "environment", **database.environment())
        assert (check.code, check.result.reason) == (0, "Pending"), check.stderr
        assert "a run is in the middle of revision two just now" in check.result.warnings
        assert check.result.warnings[0].startswith("Not valid yet: public.ix_b. Another session"), (
            "nobody shall drop it"
        )
        process.popen.kill()
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, database.heads()) == (70, "PartlyApplied", ["one"]), run.stderr
    assert run.result.error
    assert run.result.error.committed == MADE
    assert ", ".join(MADE[:3]) + " and 3 more" in run.result.error.message
    _agree(runner, any_project, database, run)


def test_a_run_that_was_stopped_in_a_concurrent_build_promises_nothing_that_the_next_one_does_not_do(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create type level as enum ('low'); create table other (id int)")
    any_project.begin().table("one").revision("two", SLOW)
    with _in_the_build(runner, any_project, database) as process:
        process.popen.terminate()
    run = process.finish()
    (said,) = run.said("invalid index")
    assert (run.result.reason, said["message"] in run.result.warnings) == ("PartlyApplied", True), run.stderr
    assert "DROP INDEX CONCURRENTLY public.ix_b, with what else the revision left" in said["message"]
    assert run.said("stopping")[0]["message"] == "stopped by SIGTERM"


def test_a_revision_that_was_killed_in_its_first_build_begins_anew_unless_the_server_completed_it(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table other (id int)")
    build = f'{BLOCK}    op.execute("create index concurrently ix_b on other (id)")'
    any_project.begin().revision("one", build)
    with _in_the_build(runner, any_project, database) as process:
        process.popen.kill()
    mark = _comment(database)
    check = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (check.code, check.result.reason) == (0, "Pending"), check.stderr
    assert check.result.warnings[0].startswith("Invalid: public.ix_b.")
    done = _upgraded(runner, any_project, database)
    assert (done.code, _comment(database)) == (0, None), done.stderr
    # as an old server does, which does not notice that its client is gone
    database.rows(f"delete from alembic_version; comment on table alembic_version is '{mark}'")
    run = _upgraded(runner, any_project, database)
    assert run.result.error, run.stderr
    assert (run.result.reason, run.result.error.committed) == ("PartlyApplied", ("index public.ix_b",)), run.stderr


def test_what_is_behind_a_commit_of_the_scripts_own_is_listed_when_the_run_was_killed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    lines = 'op.execute("create table half (id int); commit"); op.execute("select pg_advisory_lock_shared(4711)")'
    any_project.begin().revision("one", lines)
    with _blocking(database):
        process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: database.value("select to_regclass('half')"), what="the commit")
        process.popen.kill()
        process.popen.wait()
    run = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert run.result.error, run.stderr
    assert (run.result.reason, run.result.error.committed) == ("PartlyApplied", ("table public.half",)), run.stderr


def test_what_a_killed_run_did_is_not_done_again_before_somebody_looked(
    project: Project, runner: Runner, database: Database
) -> None:
    _killed_behind_the_payment(runner, project, database)
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert (database.heads(), _purse(database)) == (["one"], 1)
    assert run.result.error
    assert run.result.error.revision == "two"
    (advice,) = re.findall("`(.*)`", run.result.error.hint)
    assert names.RETRY in run.result.error.hint
    database.rows("update purse set coins = 0")
    database.rows(advice)
    assert _comment(database) == "ours"
    run = _upgraded(runner, project, database)
    assert (run.code, database.heads(), _purse(database)) == (0, ["three"], 1), run.stderr


def test_a_mark_on_a_revision_that_somebody_completed_and_stamped_goes_away(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _killed_behind_the_payment(runner, any_project, database)
    database.rows("update alembic_version set version_num = 'two'")
    run = _upgraded(runner, any_project, database)
    assert (run.code, database.heads(), _purse(database)) == (0, ["three"], 1), run.stderr
    assert _comment(database) == "ours"


def test_a_revision_that_ends_leaves_no_mark_and_the_comment_that_was_there(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table purse (coins int); insert into purse values (0)")
    seen = "create table seen as select obj_description('alembic_version'::regclass, 'pg_class') as comment"
    project.begin().revision("one", f'op.execute("create table own (id int)"){PAID}    op.execute("{seen}")')
    run = _upgraded(runner, project, database)
    assert (run.code, _comment(database)) == (0, None), run.stderr
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
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert run.result.error.message == "marked"
    assert _comment(database) is None


def test_a_mark_of_a_role_is_taken_away_as_the_role(any_project: Project, runner: Runner, database: Database) -> None:
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"alter role {login.user} noinherit; grant {owner.user} to {login.user}")
        any_project.begin().revision(
            "one", f'op.execute("select 1"){BLOCK}    op.execute("create tible half (id int)")'
        )
        words = ("upgrade", "--role", owner.user)
        run = runner.run(any_project, *words, APP_URL=login.url("psycopg2"))
        assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
        assert (_comment(database), run.said("cannot take the mark from the version table")) == (None, [])
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
    run = _upgraded(runner, any_project, database)
    assert (run.code, database.value("select comment from seen")) == (0, None), run.stderr


def test_a_failure_behind_committed_statements_keeps_its_mark(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision("one", 'op.execute("create table one (id int)"); op.execute("commit"); 1 / 0')
    first, second = (_upgraded(runner, any_project, database) for _ in range(2))
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
        assert (run.code, database.heads(), _purse(database)) == (0, ["one"], 2), run.stderr
        assert run.said("cannot mark the version table")
    finally:
        database.rows("drop owned by clerk; drop role clerk")


def test_a_downgrade_that_is_half_done_stops_every_revision(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    any_project.revision("two", downgrade='op.execute("drop table one"); op.execute("COMMIT"); 1 / 0')
    _upgraded(runner, any_project, database)
    first = runner.run(any_project, "downgrade", "--target", "one", APP_URL=database.url("psycopg2"))
    assert first.result.reason == "PartlyApplied", first.stderr
    any_project.table("three")
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, database.heads()) == (70, "PartlyApplied", ["two"]), run.stderr
    assert run.result.error
    assert "the downgrade of revision two" in run.result.error.message


def test_a_mark_stays_while_another_branch_is_migrated(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _killed_behind_the_payment(runner, any_project, database)
    any_project.revision("beside", down="one")
    run = runner.run(any_project, "upgrade", "--target", "beside", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["beside"]), run.stderr
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, _purse(database)) == (70, "PartlyApplied", 1), run.stderr


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
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, _purse(database)) == (70, "PartlyApplied", 0), run.stderr


def test_a_run_that_lost_its_lock_leaves_the_mark_for_it_may_be_of_another_run(
    any_project: Project, runner: Runner, database: Database
) -> None:
    ended = f"select pg_terminate_backend(pid) from pg_locks where classid = {LOCK_CLASS_A}"
    lines = f"op.execute(\"do $$ begin create table half as {ended}; raise 'victim'; end $$\")"
    any_project.begin().revision("one", f"with op.get_context().autocommit_block():\n    {lines}")
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.said("cannot take the mark from the version table")
    assert "revision one" in str(_comment(database))


def test_what_cannot_be_marked_just_now_is_not_committed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    _upgraded(runner, any_project, database)
    any_project.revision("two", 'op.execute("create table half (id int)"); op.execute("COMMIT")')
    with database.connect(autocommit=False) as other:
        other.execute("lock table alembic_version in share update exclusive mode")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "100ms", APP_URL=database.url("psycopg2"))
        (said, *_) = until(lambda: process.said("retrying"))
        assert said["reason"] == "LockTimeout"
        assert database.value("select to_regclass('half')") is None
        other.rollback()
    run = process.finish()
    assert (run.code, database.heads(), _comment(database)) == (0, ["two"], None), run.stderr
