"""The way without obstacles, with the three drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_upgrade_applies_every_revision_and_reads_the_target_back(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one").table("two")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert (run.result.from_, run.result.to, run.result.target) == ((), ("two",), ("two",))
    assert [one.revision for one in run.result.applied] == ["one", "two"]
    assert run.result.pending == 0
    assert run.result.driver.startswith(project.driver)
    assert run.result.alembic
    assert run.result.sqlalchemy
    assert run.result.warnings == ()
    assert database.heads() == ["two"]
    assert database.value("select obj_description('alembic_version'::regclass, 'pg_class')") is None


def test_a_second_upgrade_changes_nothing(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.from_, run.result.to, run.result.applied) == (0, ("one",), ("one",), ())
