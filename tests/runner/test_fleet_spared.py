"""A look for new tenants beside some that have failed for good: they are left alone while they stand as they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alembic_operator.contract import SPARES_VARIABLE
from tests.runner.test_fleet_troubles import only_ws_3
from tests.runner.test_fleets import fleet, make, stand

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

NAMES = ("ws_1", "ws_2", "ws_3")
TENANTS = {"pattern": "ws\\_%", "maxParallel": 1}


def look(runner: Runner, project: Project, database: Database, **tenants: Any) -> Run:
    variables = {"APP_URL": database.url(project.driver), SPARES_VARIABLE: "true"}
    return runner.run(project, "upgrade", "--tenants", json.dumps(TENANTS | tenants), **variables)


def test_a_look_migrates_new_tenants_and_runs_nothing_in_those_that_failed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    database.rows("create sequence public.tries; create table public.wrong (id int)")
    fails = "select nextval('public.tries') / (select count(*) - 1 from public.wrong)"
    any_project.begin().table("one").revision("two", only_ws_3(f'op.execute("insert into public.wrong {fails}")'))
    database.rows("insert into public.wrong values (1)")
    first = fleet(runner, any_project, database, **TENANTS)
    assert (first.code, str(first.result.tenants)[:34]) == (70, "2 of 3 tenants are up to date; 1 f"), first.stderr
    noted = database.rows("select run, at from alembic_operator_tenants where tenant = 'ws_3'")
    make(database, "ws_4")
    run = look(runner, any_project, database)
    assert (run.code, run.result.reason, database.value("select last_value from tries")) == (70, "RevisionFailed", 1)
    assert run.result.tenants
    assert first.result.tenants
    (group,) = run.result.tenants.failures
    (before,) = first.result.tenants.failures
    assert (run.result.tenants.up_to_date, run.result.tenants.behind) == (3, 0), run.stderr
    same = ("names", "revision", "sqlstate", "message")
    assert [getattr(group, one) for one in same] == [getattr(before, one) for one in same]
    assert "kubectl alembic retry" in group.hint
    assert stand(database)["ws_4"] == (["two"], "UpToDate")
    assert database.rows("select run, at from alembic_operator_tenants where tenant = 'ws_3'") == noted
    make(database, "ws_5")
    canary = look(runner, any_project, database, canary=["ws_3"])
    assert database.value("select to_regclass('ws_5.one') is null"), "beside a canary that failed nobody is begun"
    assert (canary.code, database.value("select last_value from tries")) == (70, 1)
    database.rows("insert into public.wrong values (2)")
    mended = fleet(runner, any_project, database, **TENANTS)
    assert (mended.code, str(mended.result.tenants)) == (0, "5 of 5 tenants are up to date"), mended.stderr
