"""What a revision commits or rolls back by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import DRIVERS

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

CONFLICT = "op.execute(\"do $$ begin raise exception 'victim' using errcode = '40P01'; end $$\")"


def _upgraded(runner: Runner, project: Project, database: Database) -> Run:
    return runner.run(project, "upgrade", APP_URL=database.url(project.driver))


@pytest.mark.every_driver
def test_a_script_that_commits_works_as_its_driver_lets_it_and_its_author_is_told(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().revision(
        "one", 'op.execute("create table one (id int)"); op.execute("COMMIT"); op.execute("create table two (id int)")'
    )
    run = _upgraded(runner, project, database)
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert database.value("select to_regclass('two')")
    (warning,) = run.result.warnings
    assert "one" in warning
    assert "with op.get_context().autocommit_block()" in warning


@pytest.mark.parametrize(
    ("driver", "lines"),
    [*((one, 'op.execute("COMMIT")') for one in DRIVERS), ("psycopg2", 'op.execute("end; select 1")')],
)
def test_a_failure_behind_a_commit_of_the_script_is_partly_applied(
    project: Project, runner: Runner, database: Database, lines: str
) -> None:
    project.begin().revision("one", f'op.execute("create table one (id int)"); {lines}; {CONFLICT}')
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("create table one (id int)",)
    assert "with op.get_context().autocommit_block()" in run.result.error.hint


@pytest.mark.parametrize(
    "call",
    [
        "op.get_bind().commit()",
        "op.get_bind().connection.commit()",
        'op.get_bind().connection.commit(); op.execute("create table lost (id int)")',
    ],
    ids=["connection", "driver", "driver, with more behind"],
)
def test_a_commit_by_a_method_is_seen_too(any_project: Project, runner: Runner, database: Database, call: str) -> None:
    any_project.begin().revision("one", f'op.execute("create table one (id int)"); {call}; 1 / 0')
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "PartlyApplied"), run.stderr
    assert run.result.error
    assert run.result.error.committed == ("create table one (id int)",)


def test_what_follows_a_commit_by_a_method_is_committed_with_the_version(
    project: Project, runner: Runner, database: Database
) -> None:
    lines = 'op.execute("create table two (id int)"); op.get_bind().commit(); op.execute("create table three (id int)")'
    project.begin().table("one").revision("two", lines)
    run = _upgraded(runner, project, database)
    assert (run.code, database.heads()) == (0, ["two"]), run.stderr
    assert database.value("select to_regclass('three')")
    assert len(run.result.warnings) == 1


def test_a_commit_of_a_session_stays_in_the_transaction_of_its_revision(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        """
        from sqlalchemy.orm import Session
        session = Session(bind=op.get_bind())
        session.execute(sa.text("create table one (id int)"))
        session.commit()
        1 / 0
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert database.value("select to_regclass('one')") is None


def test_what_cannot_run_in_a_transaction_tells_the_author_what_to_write(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").revision("two", 'op.execute("create index concurrently by_id on one (id)")')
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.committed) == ("25001", ())
    assert "with op.get_context().autocommit_block()" in run.result.error.hint


@pytest.mark.every_driver
def test_a_revision_that_rolls_back_its_own_statements_is_not_applied(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    project.revision("two", 'op.execute("create table two (id int)"); op.execute("ROLLBACK")')
    run = _upgraded(runner, project, database)
    assert (run.code, run.result.reason, database.heads()) == (70, "NotCommitted", ["one"]), run.stderr
    assert run.result.error
    assert "create table two" in run.result.error.message


def test_what_a_connection_of_the_script_did_not_commit_is_told(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().revision(
        "one",
        """
        import os
        with sa.create_engine(os.environ["APP_URL"]).connect() as other:
            other.execute(sa.text("create table lost (id int)"))
        """,
    )
    run = _upgraded(runner, any_project, database)
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    (warning,) = run.result.warnings
    assert "create table lost" in warning
