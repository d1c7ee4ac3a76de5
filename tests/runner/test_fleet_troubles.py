"""What may happen to a fleet while it runs: signals, deaths, locks, another fleet, tenants that come and go."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner.project import edited
from tests.runner.rivals import HELD_UP, held_up, holding_up
from tests.runner.server import until
from tests.runner.test_fleets import ARGUMENT, ENVIRONMENT, fleet, make, stand

if TYPE_CHECKING:
    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database

NAMES = tuple(f"ws_{number}" for number in range(8))
ONLY = """
import os, signal
schema = op.get_bind().execute(sa.text("select current_schema()")).scalar()
if schema == "ws_3":
{}
"""


def only_ws_3(body: str) -> str:
    return ONLY.format("\n".join(f"    {line}" for line in body.strip().splitlines()))


def begin(runner: Runner, project: Project, database: Database, *words: str, **tenants: Any) -> Process:
    variables = {"APP_URL": database.url(project.driver), **database.environment()}
    return runner.start(project, "upgrade", *words, "--tenants", json.dumps(tenants), **variables)


def test_sigterm_cancels_what_runs_and_the_result_says_how_far_the_fleet_came(
    project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    project.begin().table("one").revision("two", only_ws_3('op.execute("select pg_sleep(60)")'))
    process = begin(runner, project, database, names=NAMES, maxParallel=3)
    until(lambda: len(done(database)) == len(NAMES) - 1, what="the others")
    process.popen.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    run = process.finish()
    assert (run.code, run.result.reason) == (143, "Interrupted"), run.stderr
    assert time.monotonic() - asked < 7
    assert run.result.tenants
    assert (run.result.tenants.up_to_date, run.result.tenants.phase) == (7, "Tenants")
    assert database.heads("ws_3.alembic_version") == ["one"]
    until(lambda: not sessions(database), what="the end of every session")
    assert fleet(runner, project.revision("three"), database, names=NAMES[:3]).code == 0


def done(database: Database) -> list[str]:
    if database.value("select to_regclass('alembic_operator_tenants')") is None:
        return []
    return [name for name, (_, outcome) in stand(database).items() if outcome == "UpToDate"]


def sessions(database: Database) -> int:
    return int(database.value("select count(*) from pg_stat_activity where application_name like 'alembic-operator/%'"))


def test_a_process_that_is_killed_fails_its_own_tenant_and_another_one_goes_on(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").revision("two", only_ws_3("os.kill(os.getpid(), signal.SIGKILL)"))
    run = fleet(runner, any_project, database, names=NAMES, maxParallel=1)
    assert (run.code, run.result.reason) == (75, "ResourcesExhausted"), run.stderr
    assert run.result.tenants
    (group,) = run.result.tenants.failures
    assert (run.result.tenants.up_to_date, group.names) == (7, ("ws_3",))
    assert "was ended by SIGKILL: perhaps it was out of memory" in group.message
    assert database.heads("ws_3.alembic_version") == ["one"]


def test_without_the_process_that_starts_the_others_the_fleet_ends_and_says_so(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").revision("two", only_ws_3("os.kill(os.getppid(), signal.SIGKILL)"))
    run = fleet(runner, any_project, database, names=NAMES, maxParallel=1, isolation="Tenant")
    assert (run.code, run.result.reason) == (75, "ResourcesExhausted"), run.stderr
    assert run.result.tenants
    assert (run.result.tenants.up_to_date, run.result.tenants.behind) == (4, 4)
    assert run.result.error
    assert "the process that starts the others was ended" in run.result.error.message
    assert fleet(runner, any_project, database, names=NAMES[4:]).code == 0


def test_the_deadline_ends_the_fleet_and_names_nobody_who_was_not_begun(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").revision("two", only_ws_3('op.execute("select pg_sleep(60)")'))
    run = fleet(runner, any_project, database, "upgrade", "--deadline", "8s", names=NAMES, maxParallel=1)
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.tenants
    seen = run.result.tenants
    assert (seen.up_to_date, seen.behind + seen.failed, seen.phase) == (3, 5, "Tenants")
    assert stand(database)["ws_7"] == ([], "Pending")


def test_two_fleets_at_once_do_each_tenant_once(any_project: Project, runner: Runner, database: Database) -> None:
    make(database, *NAMES)
    database.rows("create table public.runs (schema text)")
    any_project.begin().revision("one", 'op.execute("insert into public.runs select current_schema()")')
    any_project.revision("two", only_ws_3(HELD_UP))
    with holding_up(database):
        first = begin(runner, any_project, database, names=NAMES)
        until(lambda: held_up(database), what="the first fleet")
        second = begin(runner, any_project, database, names=NAMES)
        (waits,) = until(lambda: second.said("waiting for lock"), what="the second one")
        assert "another migration of the tenants" in waits["message"]
    for process in (first, second):
        run = process.finish()
        assert (run.code, str(run.result.tenants)) == (0, "8 of 8 tenants are up to date"), run.stderr
    assert run.result.applied == ()
    assert database.rows("select count(*), count(distinct schema) from runs") == [(8, 8)]


def test_what_is_shared_comes_first_and_its_failure_leaves_all_tenants_alone(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES[:3])
    any_project.begin().revision("common", 'op.execute("create type public.mood as enum ()")', branch_labels=["shared"])
    any_project.revision("own", 'op.execute("create table own (m public.mood)")', down=None, branch_labels=["tenant"])
    words = ("upgrade", "--target", "tenant@head")
    run = fleet(runner, any_project, database, *words, names=NAMES[:3], shared="shared@head")
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr
    assert (database.heads("public.alembic_version"), database.heads("ws_1.alembic_version")) == (["common"], ["own"])
    any_project.revision("wrong", 'op.execute("select 1 / 0")', down="common")
    any_project.revision("more", down="own")
    run = fleet(runner, any_project, database, *words, names=NAMES[:3], shared="shared@head")
    assert (run.code, run.result.reason) == (70, "RevisionFailed"), run.stderr
    assert run.result.tenants
    assert run.result.error
    assert (run.result.error.revision, run.result.tenants.phase, run.result.tenants.behind) == ("wrong", "Shared", 3)


KEEPING = """
import os
from sqlalchemy import create_engine

TENANT = []
ENGINE = create_engine(os.environ["APP_URL"])
"""


def test_an_application_that_keeps_its_first_tenant_gets_a_process_for_each(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES[:4])
    any_project.begin().table("one").write("app.py", KEEPING)
    kept = ARGUMENT.replace(
        'get_x_argument(as_dictionary=True)["tenant"]',
        'get_x_argument(as_dictionary=True)["tenant"]\nimport app\napp.TENANT.append(tenant)\ntenant = app.TENANT[0]',
    )
    any_project.write("migrations/env.py", kept)
    run = fleet(runner, any_project, database, names=NAMES[:4], argument="tenant={}", maxParallel=1)
    assert (run.code, str(run.result.tenants)) == (0, "4 of 4 tenants are up to date"), run.stderr
    assert set(stand(database)) == set(NAMES[:4])


IMPORTED = ("sqlalchemy import create_engine", "sqlalchemy.ext.asyncio import create_async_engine")


def test_an_application_that_keeps_its_engine_migrates_each_tenant_in_its_own_schema(
    project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES[:4])
    database.rows("create table public.runs (schema text, process text)")
    seen = "insert into public.runs values (current_schema(), current_setting('application_name'))"
    project.begin().table("one").revision("two", f'op.execute("{seen}")')
    is_async = project.driver == "asyncpg"
    create = "create_async_engine" if is_async else "create_engine"
    kept = KEEPING.replace(*IMPORTED).replace("= create_engine(", f"= {create}(") if is_async else KEEPING
    project.write("app.py", kept)
    edited(
        project,
        (
            f'connectable = {create}(os.environ["APP_URL"], poolclass=pool.NullPool)',
            "import app; connectable = app.ENGINE",
        ),
        *([("    await connectable.dispose()\n", "")] if is_async else []),
    )
    run = fleet(runner, project, database, names=NAMES[:4], maxParallel=1)
    assert (run.code, str(run.result.tenants)) == (0, "4 of 4 tenants are up to date"), run.stderr
    assert database.value("select count(*) from pg_tables where tablename = 'one'") == 4
    counted = "select count(distinct schema), count(distinct process) from runs"
    assert database.rows(counted) == [(4, 1)]
    project.revision("three", f'op.execute("{seen}")')
    database.rows("truncate runs")
    apart = fleet(runner, project, database, names=NAMES[:4], maxParallel=1, isolation="Tenant")
    assert (apart.code, database.rows(counted)) == (0, [(4, 4)]), apart.stderr


def test_a_tenant_that_is_dropped_or_appears_during_the_run_is_seen_at_its_end(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").revision("two", only_ws_3(HELD_UP))
    with holding_up(database):
        process = begin(runner, any_project, database, pattern="ws\\_%", maxParallel=1)
        until(lambda: held_up(database), what="the third tenant")
        database.rows('drop schema ws_5; create schema "ws_new"')
    run = process.finish()
    assert (run.code, str(run.result.tenants)) == (0, "8 of 8 tenants are up to date"), run.stderr
    assert database.value("select count(*) from pg_namespace where nspname = 'ws_5'") == 0
    assert stand(database)["ws_new"] == (["two"], "UpToDate")
    assert "ws_5" not in stand(database)


def test_tenants_that_wait_for_one_another_at_a_shared_table_cost_no_attempt(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    database.rows("create table public.people (id int primary key)")
    any_project.begin().revision(
        "one",
        """
        op.execute("create table home (id int references public.people)")
        op.execute("select pg_sleep(0.3)")
        """,
    )
    words = ("upgrade", "--lock-timeout", "100ms")
    run = fleet(runner, any_project, database, *words, names=NAMES, maxParallel=8)
    assert (run.code, str(run.result.tenants)) == (0, "8 of 8 tenants are up to date"), run.stderr
    assert run.said("fewer at a time")


@pytest.mark.parametrize("argument", ["", "tenant={}"])
def test_one_tenant_is_made_and_migrated_beside_a_run_of_all(
    any_project: Project, runner: Runner, database: Database, argument: str
) -> None:
    make(database, *NAMES[:4])
    any_project.begin().table("one").revision("two", only_ws_3(HELD_UP))
    if argument:
        any_project.write("migrations/env.py", ARGUMENT)
    tenants = {"pattern": "ws\\_%", "argument": argument}
    with holding_up(database):
        process = begin(runner, any_project, database, **tenants)
        until(lambda: held_up(database), what="the fleet")
        if argument:
            make(database, "ws_new")
        alone = fleet(runner, any_project, database, "tenant", "ws_new", *ENVIRONMENT, **tenants)
        assert (alone.code, alone.result.reason, alone.result.to) == (0, "UpToDate", ("two",)), alone.stderr
        assert stand(database)["ws_new"] == (["two"], "UpToDate")
    run = process.finish()
    assert (run.code, str(run.result.tenants)) == (0, "5 of 5 tenants are up to date"), run.stderr
    assert len(stand(database)) == 5
    again = fleet(runner, any_project, database, "tenant", "ws_new", **tenants)
    assert (again.code, again.result.applied) == (0, ()), again.stderr
