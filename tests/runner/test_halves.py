"""Revisions of which a part is committed before the rest: never again blindly, and said which."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
