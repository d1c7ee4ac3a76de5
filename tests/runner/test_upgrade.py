"""The way without obstacles, with the three drivers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


@pytest.mark.every_driver
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
    assert run.result.read_back_ms > 0
    assert run.result.warnings == ()
    assert database.heads() == ["two"]
    assert database.value("select obj_description('alembic_version'::regclass, 'pg_class')") is None


def test_a_second_upgrade_changes_nothing(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.from_, run.result.to, run.result.applied) == (0, ("one",), ("one",), ())


@pytest.mark.parametrize("refused", [1, 2], ids=["the heads", "whether they were committed"])
def test_what_cannot_be_read_back_is_no_success(
    any_project: Project, runner: Runner, database: Database, refused: int
) -> None:
    if database.value("select current_setting('server_version_num')::int") < 170000:
        pytest.skip("no event triggers at login before PostgreSQL 17")
    database.rows(REFUSES_A_LOGIN_BEHIND_THE_REVISION.format(refused))
    any_project.begin().table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, database.heads()) == (75, "ResourcesExhausted", ["one"]), run.stderr


REFUSES_A_LOGIN_BEHIND_THE_REVISION = """
create sequence behind;
create function refuse() returns event_trigger language plpgsql as $$ begin
    if to_regclass('one') is not null and nextval('behind') = {} then
        raise exception 'sorry, too many clients already' using errcode = '53300';
    end if;
end $$;
create event trigger refuse on login execute function refuse()
"""
