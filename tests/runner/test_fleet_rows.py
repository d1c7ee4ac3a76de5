"""`tenants` prints the table of tenants, those that failed first."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.runner.test_fleets import ENVIRONMENT, fleet, make

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_the_rows_are_printed_those_that_failed_first_and_nothing_is_changed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, "ws_1", "ws_2")
    any_project.begin().revision("one", 'op.execute("create table made (id int)")')
    database.rows('create table ws_2.made ("password" text)')
    names = ["ws_1", "ws_2"]
    before = fleet(runner, any_project, database, "tenants", *ENVIRONMENT, names=names)
    assert (before.code, before.result.warnings) == (
        0,
        ("there is no table of tenants: no run has ended yet, or the migration's role may make no table",),
    ), before.stderr
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=names)
    run = fleet(runner, any_project, database, "tenants", *ENVIRONMENT, names=names)
    rows = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"tenant"')]
    told = [(one["tenant"], one["heads"], one["outcome"], one["sqlstate"]) for one in rows]
    assert told == [("ws_2", [], told[0][2], "42P07"), ("ws_1", ["one"], "UpToDate", "")], run.stderr
    assert rows[0]["message"]
    assert rows[0]["at"].endswith("Z")
    assert run.result.tenants
    assert (run.code, str(run.result.tenants)) == (0, "1 of 2 tenants are up to date")


@pytest.mark.parametrize("command", ["plan", "stamp"])
def test_what_is_for_one_database_does_not_take_the_shared_one_for_it(
    any_project: Project, runner: Runner, database: Database, command: str
) -> None:
    any_project.begin().table("one")
    run = fleet(runner, any_project, database, command, *ENVIRONMENT, names=["ws_1"])
    assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
    assert run.result.error
    assert run.result.error.message == f"{command} is for one database, and not for tenants"
    assert database.heads() == []


def test_without_tenants_it_says_what_is_missing(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    run = runner.run(any_project, "tenants", *ENVIRONMENT, **database.environment())
    assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
    assert run.result.error
    assert run.result.error.message == "the migration has no tenants"
