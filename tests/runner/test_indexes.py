"""Invalid indexes: what a broken concurrent build leaves is removed, and nobody else's is touched."""

from __future__ import annotations

import textwrap
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.runner.rivals import users
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

BUILD = """
with op.get_context().autocommit_block():
    op.execute("create {} on filled (id)")
"""
UNIQUE = BUILD.format("unique index concurrently once")


def _upgraded(runner: Runner, project: Project, database: Database) -> Run:
    return runner.run(project, "upgrade", APP_URL=database.url(project.driver))


def _filled(database: Database) -> None:
    database.rows("create table filled (id int); insert into filled values (1), (1)")


def _invalid(database: Database) -> list[str]:
    rows = database.rows("select indexrelid::regclass::text from pg_index where not indisvalid order by 1")
    return [row[0] for row in rows]


def _build_in_vain(database: Database, name: str, table: str = "filled") -> None:
    with pytest.raises(psycopg.errors.UniqueViolation):
        database.rows(f"create unique index concurrently {name} on {table} (id)")


def _told(run: Run, name: str) -> str:
    """Return the one warning that says a text."""
    (warning,) = (one for one in run.result.warnings if name in one)
    return warning


@contextmanager
def _reader(database: Database, table: str) -> Iterator[None]:
    """Hold a transaction that every concurrent build on a table waits for."""
    with database.connect(autocommit=False) as holder:
        holder.execute(f"insert into {table} values (3)".encode())
        yield
        holder.rollback()


def _building(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_stat_activity where query ilike 'create%concurrently%' and state = 'active'"
            " and wait_event_type = 'Lock' and datname = current_database()"
        )
    )


def test_the_invalid_index_of_a_failed_build_is_dropped_and_told(
    project: Project, runner: Runner, database: Database
) -> None:
    _filled(database)
    project.begin().revision("one", UNIQUE)
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert _invalid(database) == []
    assert "it was dropped" in _told(run, "public.once")


def test_invalid_indexes_and_unvalidated_constraints_of_others_are_named_and_left(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _filled(database)
    database.rows("create schema app; create table app.more (id int); insert into app.more values (1), (1)")
    for number in range(4):
        _build_in_vain(database, f"old_{number}")
    _build_in_vain(database, "once", "app.more")
    database.rows("alter table filled add constraint positive check (id > 0) not valid")
    any_project.begin().revision("one", f"{BESIDE}{UNIQUE}")
    run = _upgraded(runner, any_project, database)
    assert run.result.reason == "RevisionFailed", run.stderr
    assert len(_invalid(database)) == 6
    assert "it was dropped" in _told(run, "public.once")
    assert _told(run, "app.beside, app.once, public.old_0 and 3 more")
    assert _told(run, "positive on public.filled")


PSYCOPG2 = """
import os, sys, psycopg2
sys.others = others = psycopg2.connect(os.environ["APP_URL"].replace("+psycopg2", ""))
"""
"""Somebody else, whom SQLAlchemy does not know, and who stays as long as the process."""
BESIDE = f"""{PSYCOPG2}
others.autocommit = True
try:
    others.cursor().execute("create unique index concurrently beside on app.more (id)")
except psycopg2.errors.UniqueViolation:
    pass
"""


def test_an_index_on_whose_table_somebody_works_is_left_to_the_next_run(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _filled(database)
    lines = textwrap.indent(UNIQUE, "    ")
    lock = 'others.cursor().execute("lock table filled in share update exclusive mode")'
    any_project.begin().revision("one", f"{PSYCOPG2}\ntry:{lines}\nfinally:\n    {lock}")
    run = _upgraded(runner, any_project, database)
    assert run.result.reason == "RevisionFailed", run.stderr
    assert "the next run drops it" in _told(run, "public.once")


def test_the_invalid_index_of_a_role_is_dropped_as_the_role(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _filled(database)
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"alter role {login.user} noinherit; grant {owner.user} to {login.user}")
        database.rows(f"alter table filled owner to {owner.user}")
        any_project.begin().revision("one", UNIQUE)
        run = runner.run(any_project, "upgrade", "--role", owner.user, APP_URL=login.url("psycopg2"))
        assert (run.code, _invalid(database)) == (70, []), run.stderr
        assert "it was dropped" in _told(run, "public.once")


def test_a_run_without_work_names_them_too(any_project: Project, runner: Runner, database: Database) -> None:
    _filled(database)
    _build_in_vain(database, "old")
    database.rows(
        "create table parts (id int) partition by list (id); create table part partition of parts for values in (1);"
        " create index whole on only parts (id)"
    )
    if database.value("select current_setting('server_version_num')::int") >= 180000:
        database.rows("alter table filled add constraint loose check (id > 7) not enforced")
    any_project.begin().table("one")
    _upgraded(runner, any_project, database)
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.applied) == (0, ()), run.stderr
    (warning,) = run.result.warnings
    assert warning.startswith("Invalid: public.old.")


def test_what_a_killed_runner_left_half_built_is_built_anew(
    project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table filled (id int)")
    project.begin().revision("one", BUILD.format("index concurrently if not exists by_id"))
    with _reader(database, "filled"):
        first = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
        until(lambda: _building(database), what="the build waits")
        first.popen.kill()
        until(lambda: not _building(database), what="the server noticed")
    assert _invalid(database) == ["by_id"]
    run = _upgraded(runner, project, database)
    assert (run.code, database.heads(), _invalid(database)) == (0, ["one"], []), run.stderr
    assert database.value("select indisvalid from pg_index where indexrelid = 'by_id'::regclass")
    assert "to build it again" in _told(run, "public.by_id")


def _looked(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_stat_activity where query like 'SELECT ''index''%' and state = 'idle'"
            " and application_name like 'alembic-operator/%' and application_name not like '%/own'"
            " and datname = current_database()"
        )
    )


def test_an_index_that_somebody_else_builds_is_waited_for_and_not_dropped(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table filled (id int)")
    any_project.begin().revision("one", BUILD.format("index concurrently if not exists by_id"))
    other = threading.Thread(target=database.rows, args=("create index concurrently by_id on filled (id)",))
    with users(database, "blind") as (blind,):  # it does not see what the others' sessions do
        database.rows(f"alter table filled owner to {blind.user}")
        with _reader(database, "filled"):
            other.start()
            until(lambda: _building(database), what="the other build waits")
            built = database.value("select 'by_id'::regclass::oid")
            process = runner.start(any_project, "upgrade", APP_URL=blind.url("psycopg2"))
            until(lambda: _looked(database), what="the runner waits for it")
        other.join()
        run = process.finish()
        assert (run.code, _invalid(database)) == (0, []), run.stderr
        assert database.value("select 'by_id'::regclass::oid") == built


def test_a_script_that_builds_again_what_failed_gets_a_valid_index(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _filled(database)
    any_project.begin().revision(
        "one",
        """
        try:
            with op.get_context().autocommit_block():
                op.execute("create unique index concurrently once on filled (id)")
        except sa.exc.IntegrityError:
            with op.get_context().autocommit_block():
                op.execute("delete from filled")
                op.execute("create unique index concurrently if not exists once on filled (id)")
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, database.heads(), _invalid(database)) == (0, ["one"], []), run.stderr
    assert database.value("select indisvalid from pg_index where indexrelid = 'once'::regclass")


def test_an_interrupted_build_is_only_told(any_project: Project, runner: Runner, database: Database) -> None:
    database.rows("create table filled (id int)")
    any_project.begin().revision("one", BUILD.format("index concurrently by_id"))
    with _reader(database, "filled"):
        process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: _building(database), what="the build waits")
        process.popen.terminate()
        run = process.finish()
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
    assert _invalid(database) == ["by_id"]
    assert "the next run drops it" in _told(run, "public.by_id")


def test_the_rest_of_a_broken_reindex_is_dropped(any_project: Project, runner: Runner, database: Database) -> None:
    database.rows("create table filled (id int); insert into filled values (1), (1); create index by_id on filled (id)")
    any_project.begin().revision(
        "one",
        """
        with op.get_context().autocommit_block():
            op.execute("reindex index concurrently by_id")
        """,
    )
    with _reader(database, "filled"):
        process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: _invalid(database) == ["by_id_ccnew"], what="REINDEX")
        database.rows("select pg_cancel_backend(pid) from pg_stat_activity where query like 'reindex%'")
        until(lambda: process.said("revision failed"))
    run = process.finish()
    assert run.result.reason == "RevisionFailed", run.stderr
    assert _invalid(database) == []
    assert "it was dropped" in _told(run, "public.by_id_ccnew")


@pytest.mark.parametrize("what", ["index concurrently by_id", "(concurrently) table public.filled"])
def test_the_rest_of_a_killed_reindex_is_dropped_by_the_next_run(
    any_project: Project, runner: Runner, database: Database, what: str
) -> None:
    database.rows("create table filled (id int); create index by_id on filled (id); create index other on filled (id)")
    any_project.begin().revision("one", f'with op.get_context().autocommit_block():\n    op.execute("reindex {what}")')
    with _reader(database, "filled"):
        process = runner.start(any_project, "upgrade", APP_URL=database.url("psycopg2"))
        until(lambda: "by_id_ccnew" in _invalid(database), what="REINDEX")
        process.popen.kill()
        until(lambda: not _reindexing(database), what="the server noticed")
    run = _upgraded(runner, any_project, database)
    assert (run.code, _invalid(database)) == (0, []), run.stderr
    assert "was dropped to build it again" in _told(run, "public.by_id_ccnew")


def _reindexing(database: Database) -> bool:
    activity = "select 1 from pg_stat_activity where datname = current_database() and query like 'reindex%'"
    return bool(database.rows(activity))
