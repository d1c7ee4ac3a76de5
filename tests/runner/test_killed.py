"""What a run that was killed behind something committed leaves, and what the next one makes of it."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from alembic_operator.core import names
from alembic_operator.runner.database.versions import LOCK_CLASS_B
from tests.runner.marks import BLOCK, agree, blocking, comment, killed_behind_the_payment, purse, upgraded
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database

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
    upgraded(runner, any_project, database)
    any_project.revision("two", SLOW)
    with _in_the_build(runner, any_project, database) as process:
        check = runner.run(any_project, "check", "--database", "environment", **database.environment())
        assert (check.code, check.result.reason) == (0, "Pending"), check.stderr
        assert "a run is in the middle of revision two just now" in check.result.warnings
        assert check.result.warnings[0].startswith("Not valid yet: public.ix_b. Another session"), (
            "nobody shall drop it"
        )
        process.popen.kill()
    run = upgraded(runner, any_project, database)
    assert (run.code, run.result.reason, database.heads()) == (70, "PartlyApplied", ["one"]), run.stderr
    assert run.result.error
    assert run.result.error.committed == MADE
    assert ", ".join(MADE[:3]) + " and 3 more" in run.result.error.message
    agree(runner, any_project, database, run)


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
    mark = comment(database)
    check = runner.run(any_project, "check", APP_URL=database.url("psycopg2"))
    assert (check.code, check.result.reason) == (0, "Pending"), check.stderr
    assert check.result.warnings[0].startswith("Invalid: public.ix_b.")
    done = upgraded(runner, any_project, database)
    assert (done.code, comment(database)) == (0, None), done.stderr
    # as an old server does, which does not notice that its client is gone
    database.rows(f"delete from alembic_version; comment on table alembic_version is '{mark}'")
    run = upgraded(runner, any_project, database)
    assert run.result.error, run.stderr
    assert (run.result.reason, run.result.error.committed) == ("PartlyApplied", ("index public.ix_b",)), run.stderr


def test_what_is_behind_a_commit_of_the_scripts_own_is_listed_when_the_run_was_killed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    lines = 'op.execute("create table half (id int); commit"); op.execute("select pg_advisory_lock_shared(4711)")'
    any_project.begin().revision("one", lines)
    with blocking(database):
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
    killed_behind_the_payment(runner, project, database)
    run = upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert (database.heads(), purse(database)) == (["one"], 1)
    assert run.result.error
    assert run.result.error.revision == "two"
    (advice,) = re.findall("`(.*)`", run.result.error.hint)
    assert names.RETRY in run.result.error.hint
    database.rows("update purse set coins = 0")
    database.rows(advice)
    assert comment(database) == "ours"
    run = upgraded(runner, project, database)
    assert (run.code, database.heads(), purse(database)) == (0, ["three"], 1), run.stderr
