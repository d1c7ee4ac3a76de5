"""In which order the tenants of a fleet go, how often, and when no other one is begun."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.runner.server import until
from tests.runner.test_fleet_troubles import NAMES, begin, only_ws_3
from tests.runner.test_fleets import ENVIRONMENT, fleet, make

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database


def test_the_canary_goes_first_and_its_failure_ends_the_run(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").revision("two", only_ws_3('op.execute("select 1 / 0")'))
    run = fleet(runner, any_project, database, names=NAMES, canary=["ws_3", "ws_5"], soak="1h")
    assert run.code == 70, run.stderr
    assert run.result.tenants
    seen = run.result.tenants
    assert (seen.up_to_date, seen.failed, seen.behind, seen.phase) == (1, 1, 6, "Canary")
    assert "6 were not begun" in str(seen)
    assert database.heads("ws_0.alembic_version") == []
    (any_project.folder / "migrations/versions/two.py").unlink()
    any_project.last = "one"
    any_project.table("two")
    tenants = {"names": NAMES, "canary": ["25%"], "soak": "1h"}
    for most in (3600.0, 3599.9):
        process = begin(runner, any_project, database, **tenants)
        (soaks,) = until(lambda: process.said("soaking"), what="the soak")  # noqa: B023
        assert 3000 < soaks["seconds"] <= most, "of a soak that was interrupted the rest is left"
        process.popen.kill()
        process.popen.wait()
    assert database.heads("ws_2.alembic_version") == []
    database.rows("update alembic_operator_tenants set at = at - interval '1 hour'")
    run = fleet(runner, any_project, database, **tenants)
    assert (run.code, str(run.result.tenants)) == (0, "8 of 8 tenants are up to date; 1 drifted: ws_5"), run.stderr
    assert not run.said("soaking")


def test_a_tenant_that_fails_for_a_passing_reason_is_tried_once_more_after_the_others(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES[2:5])
    database.rows("create sequence public.tries; create table public.runs (id serial, schema text)")
    loses = "select pg_terminate_backend(pg_backend_pid()) from nextval('public.tries') n where n = 1"
    any_project.begin().revision("one", 'op.execute("insert into public.runs (schema) select current_schema()")')
    any_project.revision("two", only_ws_3(f'op.execute("{loses}")'))
    run = fleet(runner, any_project, database, names=NAMES[2:5], maxParallel=1)
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
    assert [one["tenant"] for one in run.said("tenant failed")] == ["ws_3"]
    assert database.rows("select schema from runs order by id") == [("ws_2",), ("ws_3",), ("ws_4",)]
    assert database.value("select last_value from tries") == 2


def test_the_smallest_tenants_go_first_where_that_is_asked_for(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES[:3])
    database.rows("create table public.runs (id serial, schema text)")
    for name, rows in zip(NAMES[:3], (9000, 10, 3000), strict=True):
        database.rows(f"create table {name}.many as select generate_series(1, {rows}) as id; analyze {name}.many")
    any_project.begin().revision("one", 'op.execute("insert into public.runs (schema) select current_schema()")')
    tenants = {"names": NAMES[:3], "order": "SmallestFirst", "maxParallel": 1}
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, **tenants)
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
    assert database.rows("select schema from runs order by id") == [("ws_1",), ("ws_2",), ("ws_0",)]


def test_after_too_many_failures_no_other_tenant_is_started(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().revision("one", 'op.execute("select 1 / 0")')
    run = fleet(runner, any_project, database, names=NAMES, maxFailures="25%", maxParallel=1)
    assert run.code == 70, run.stderr
    assert run.result.tenants
    assert (run.result.tenants.failed, run.result.tenants.behind) == (3, 5)
    assert [one["tenant"] for one in run.said("failed")] == ["ws_0"], "one traceback is enough"
    assert [(one["tenants"], "division by zero" in one["error"]) for one in run.said("failed alike")] == [(3, True)]
