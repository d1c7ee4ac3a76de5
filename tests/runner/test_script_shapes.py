"""Revision files, branches and targets as large projects have them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import older

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

GIVEN = ("--database", "environment")


def told(run: Run) -> tuple[int, str]:
    return run.code, run.result.reason


@pytest.fixture
def labels(any_project: Project) -> Project:
    """Two bases that know nothing of each other, one of them with a label that looks like nothing."""
    return _two_bases(any_project.begin())


def _two_bases(any_project: Project) -> Project:
    any_project.revision("a1", 'op.execute("create table a1 (id int)")', down=None, branch_labels=("gxy",))
    any_project.table("a2")
    any_project.revision("b1", 'op.execute("create table b1 (id int)")', down=None, branch_labels=("None",))
    return any_project.table("b2")


def test_several_targets_are_reached_one_after_the_other(labels: Project, runner: Runner, database: Database) -> None:
    words = ("--target", "None@head,gxy@head")
    url = database.url("psycopg2")
    run = runner.run(labels, "check", *words, APP_URL=url)
    assert (told(run), run.result.pending) == ((0, "Pending"), 4), run.stderr
    run = runner.run(labels, "upgrade", *words, APP_URL=url)
    assert (told(run), run.result.target) == ((0, "UpToDate"), ("a2", "b2")), run.stderr
    assert [one.revision for one in run.result.applied] == ["b1", "b2", "a1", "a2"]
    assert database.heads() == ["a2", "b2"]
    run = runner.run(labels, "check", *words, *GIVEN, APP_URL="sqlite://", **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


def test_env_py_sees_one_of_several_targets_at_a_time(any_project: Project, runner: Runner, database: Database) -> None:
    by_label = ", version_table='version_of_' + config.cmd_opts.revision.removesuffix('@head')"
    _two_bases(any_project.begin(arguments=by_label))
    run = runner.run(any_project, "upgrade", "--target", "None@head,gxy@head", APP_URL=database.url("psycopg2"))
    assert (told(run), run.result.to) == ((0, "UpToDate"), ("a2", "b2")), run.stderr
    assert (database.heads('"version_of_None"'), database.heads("version_of_gxy")) == (["b2"], ["a2"])


@pytest.mark.parametrize(
    ("target", "heads"), [("None@head", ["b2"]), ("b1,a1", ["a1", "b1"]), ("gxy@head,a1", ["a2"]), ("a2,heads", None)]
)
def test_one_branch_or_a_part_of_it_may_be_the_target(
    labels: Project, runner: Runner, database: Database, target: str, heads: list[str] | None
) -> None:
    run = runner.run(labels, "upgrade", "--target", target, APP_URL=database.url("psycopg2"))
    assert (told(run), database.heads()) == ((0, "UpToDate"), heads or ["a2", "b2"]), run.stderr


@pytest.mark.parametrize("target", ["gxy@head,nowhere", "gxy@head,", "other@head,gxy@head"])
def test_nothing_is_run_when_one_of_several_targets_is_unknown(
    labels: Project, runner: Runner, database: Database, target: str
) -> None:
    run = runner.run(labels, "upgrade", "--target", target, APP_URL=database.url("psycopg2"))
    assert (told(run), database.heads()) == ((65, "UnknownTarget"), []), run.stderr


def test_revisions_in_folders_below_are_found(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").table("two")
    any_project.write(
        "alembic.ini",
        "[alembic]\nscript_location = %(here)s/migrations\nrecursive_version_locations = true\n",
    )
    versions = any_project.folder / "migrations" / "versions"
    (versions / "2024" / "05").mkdir(parents=True)
    (versions / "two.py").rename(versions / "2024" / "05" / "two.py")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    if older(run, "1.10"):
        pytest.skip("this Alembic has no recursive_version_locations")
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["two"]), run.stderr
    run = runner.run(any_project, "check", *GIVEN, APP_URL="sqlite://", **database.environment())
    assert told(run) == (0, "UpToDate"), run.stderr


SESSION = """
    from sqlalchemy.orm import Session
    session = Session(bind=op.get_bind())
    session.execute(sa.text("create table made (id int)"))
    session.execute(sa.text("insert into made values (1)"))
    session.commit()
    session.execute(sa.text("insert into made values (2)"))
    session.commit()
"""


def test_a_script_may_work_with_a_session_and_commit_it(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision("one", SESSION)
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr
    assert database.rows("select id from made order by 1") == [(1,), (2,)]


def test_a_script_that_fails_after_its_sessions_commit_is_rolled_back(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("zero").revision("one", f'{SESSION}\n    op.execute("select 1 / 0")')
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (told(run), database.heads()) == ((70, "RevisionFailed"), ["zero"]), run.stderr
    assert database.value("select to_regclass('made')") is None


def test_a_script_without_downgrade_goes_up(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    path = any_project.folder / "migrations" / "versions" / "one.py"
    text, _, _ = path.read_text(encoding="utf-8").partition("def downgrade")
    path.write_text(text, encoding="utf-8")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (told(run), database.heads()) == ((0, "UpToDate"), ["one"]), run.stderr


FILTER = """
import logging
class Quiet(logging.Filter):
    def filter(self, record):
        return False
for name in ("alembic", "alembic.runtime.migration"):
    logging.getLogger(name).addFilter(Quiet())
    logging.getLogger(name).disabled = True
logging.disable(logging.CRITICAL)
"""


def test_what_runs_is_told_though_a_filter_hides_it(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one").table("two")
    path = any_project.folder / "migrations" / "env.py"
    path.write_text(FILTER + path.read_text(encoding="utf-8"), encoding="utf-8")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert [one["revision"] for one in run.said("revision applied")] == ["one", "two"], run.stderr
    assert [one.revision for one in run.result.applied] == ["one", "two"]
