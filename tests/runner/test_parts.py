"""Statements that commit a part of what they do before they fail: procedures, and texts with a COMMIT inside."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

PAY = "update purse set coins = coins + 1"
VICTIM = "raise exception 'victim' using errcode = '40P01'"
PROCEDURE = f"create procedure pay() language plpgsql as $$ begin {PAY}; commit; {VICTIM}; end $$"
BLOCK = "with op.get_context().autocommit_block():\n    "


def _is_not_paid_twice(project: Project, runner: Runner, database: Database, lines: str) -> None:
    database.rows(f"create table purse (coins int); insert into purse values (0); {PROCEDURE}")
    project.begin().revision("one", lines)
    for _ in range(2):
        run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
        assert (run.code, run.result.reason, database.heads()) == (70, "PartlyApplied", []), run.stderr
        assert database.value("select coins from purse") == 1


def test_a_procedure_that_commits_and_then_fails_is_not_called_again(
    project: Project, runner: Runner, database: Database
) -> None:
    _is_not_paid_twice(project, runner, database, f'{BLOCK}op.execute("call pay()")')


@pytest.mark.parametrize(
    "lines",
    [
        f'{BLOCK}op.execute("do $$ begin {PAY}; commit; {VICTIM}; end $$")',
        f'op.execute("{PAY}; commit; do $$ begin {VICTIM}; end $$")',
    ],
    ids=["a block", "a text"],
)
def test_what_commits_in_its_middle_is_not_repeated(
    any_project: Project, runner: Runner, database: Database, lines: str
) -> None:
    _is_not_paid_twice(any_project, runner, database, lines)
