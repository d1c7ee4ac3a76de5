"""With `--history Enabled` every run leaves a row beside the version table."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner.rivals import HELD_UP, held_up, holding_up, users
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Run, Runner
    from tests.runner.server import Database

KEPT = ("--history", "Enabled", "--image", "users:7")
TABLE = "alembic_operator_runs"
CUT_OFF = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " order by pid = pg_backend_pid()"
)
"""Ends every connection to the database, its own last."""
TELLS = "command, image, from_revisions, to_revisions, outcome, error"


def rows(database: Database, columns: str = TELLS, schema: str = "public") -> list[tuple[Any, ...]]:
    return database.rows(f'select {columns} from "{schema}".{TABLE} order by started_at')


def test_every_run_leaves_a_row_with_what_it_found_what_it_left_and_why_it_failed(
    project: Project, runner: Runner, database: Database
) -> None:
    url = database.url(project.driver)
    project.begin().table("one").table("two")
    runs = [runner.run(project, "upgrade", *KEPT, APP_URL=url, HOSTNAME="users-7f9c") for _ in range(2)]
    project.revision("three", "raise ValueError(f\"no way to {os.environ['APP_URL']}\")")
    runs.append(runner.run(project, "upgrade", *KEPT, APP_URL=url))
    runs.append(runner.run(project, "downgrade", "--target", "one", *KEPT, APP_URL=url))
    assert [run.code for run in runs] == [0, 0, 70, 0], runs[2].stderr
    found = rows(database)
    assert found[:2] == [
        ("upgrade", "users:7", [], ["two"], "UpToDate", None),
        ("upgrade", "users:7", ["two"], ["two"], "UpToDate", None),
    ]
    assert found[2][2:5] == (["two"], ["two"], "RevisionFailed")
    assert runs[2].result.error
    assert found[2][5] == runs[2].result.error.message
    assert database.password not in str(found)
    assert found[3] == ("downgrade", "users:7", ["two"], ["one"], "UpToDate", None)
    (run, table, near, exact), *_ = rows(
        database, "run, version_table, started_at between now() - interval '1 hour' and now(), seconds > 0"
    )
    assert (run[:11], table, near, exact) == ("users-7f9c/", "alembic_version", True, True)


@pytest.mark.parametrize("address", ["env.py", "environment"])
def test_the_newest_rows_are_printed_over_either_way_to_look(
    any_project: Project, runner: Runner, database: Database, address: str
) -> None:
    url = database.url("psycopg2")
    way = ("--database", address)
    any_project.begin().table("one")
    asked = runner.run(any_project, "runs", *way, APP_URL=url, DATABASE_URL=url)
    assert (asked.code, printed(asked)) == (0, [])
    assert "there is no table of runs" in str(asked.result.warnings)
    runner.run(any_project, "upgrade", *KEPT, *way, APP_URL=url, DATABASE_URL=url, HOSTNAME="first")
    any_project.revision("two", "raise ValueError('no')")
    runner.run(any_project, "upgrade", *KEPT, *way, APP_URL=url, DATABASE_URL=url, HOSTNAME="second")
    asked = runner.run(any_project, "runs", *way, APP_URL=url, DATABASE_URL=url)
    second, first = printed(asked)
    assert (asked.code, asked.result.warnings) == (0, ()), asked.stderr
    assert (first["run"][:6], second["run"][:7], second["error"]) == ("first/", "second/", "ValueError: no")
    assert {name: first[name] for name in ("versionTable", "command", "image", "from", "to", "outcome", "error")} == {
        "versionTable": "alembic_version",
        "command": "upgrade",
        "image": "users:7",
        "from": [],
        "to": ["one"],
        "outcome": "UpToDate",
        "error": None,
    }
    assert re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}Z", first["startedAt"])
    assert first["seconds"] > 0


def printed(run: Run) -> list[dict[str, Any]]:
    return [found for line in run.stdout.splitlines() if "run" in (found := json.loads(line))]


def test_a_run_that_was_killed_leaves_a_row_without_an_outcome_and_the_next_one_its_own(
    any_project: Project, runner: Runner, database: Database
) -> None:
    url = database.url("psycopg2")
    any_project.begin().table("one").revision("two", HELD_UP)
    with holding_up(database):
        process = runner.start(any_project, "upgrade", *KEPT, APP_URL=url)
        until(lambda: held_up(database))
        process.popen.send_signal(signal.SIGKILL)
        process.popen.wait()
    assert rows(database, "outcome, seconds, from_revisions, to_revisions") == [(None, None, [], None)]
    runner.run(any_project, "upgrade", *KEPT, APP_URL=url)
    assert rows(database, "outcome")[0] == (None,)
    assert len(rows(database)) == 2


def test_a_run_that_only_waits_for_the_lock_of_another_leaves_a_row_and_says_in_it_that_it_read_no_heads(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    environment = {"APP_URL": database.url("psycopg2")}
    any_project.begin().table("one").revision("two", HELD_UP)
    with holding_up(database):
        holder = runner.start(any_project, "upgrade", **environment)
        until(lambda: held_up(database))
        late = runner.run(any_project, "upgrade", *KEPT, "--deadline", deadline, **environment)
        assert (late.code, late.result.warnings) == (75, ()), late.stderr
        for number, end in ((2, signal.SIGTERM), (3, signal.SIGKILL)):
            process = runner.start(any_project, "upgrade", *KEPT, **environment)
            until(lambda number=number: len(rows(database)) == number)
            process.popen.send_signal(end)
            process.popen.wait()
        with users(database, "few") as (few,):  # has no connection to spare
            database.rows(f"alter role {few.user} connection limit 2; grant all on {TABLE} to {few.user}")
            process = runner.start(any_project, "upgrade", *KEPT, APP_URL=few.url("psycopg2"))
            until(lambda: len(rows(database)) == 4)
            process.popen.send_signal(signal.SIGKILL)
            process.popen.wait()
        patient = runner.start(any_project, "upgrade", *KEPT, **environment)
        until(lambda: len(rows(database)) == 5)
    assert [one.finish().code for one in (holder, patient)] == [0, 0]
    assert late.result.error
    assert rows(database, "from_revisions, to_revisions, outcome, error") == [
        (None, ["one"], "WaitingForLock", late.result.error.message),
        (None, ["one"], "Interrupted", "stopped by SIGTERM; what was running was cancelled and rolled back"),
        (None, None, None, None),
        (None, None, None, None),
        (["two"], ["two"], "UpToDate", None),
    ]


def test_a_run_that_is_refused_or_loses_the_connection_of_its_lock_leaves_a_row(
    any_project: Project, runner: Runner, database: Database
) -> None:
    environment = {"APP_URL": database.url("psycopg2")}
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", *KEPT, **environment)
    database.rows("update alembic_version set version_num = 'newer'")
    runner.run(any_project, "upgrade", *KEPT, **environment)
    database.rows("update alembic_version set version_num = 'one'")
    runner.run(any_project, "upgrade", *KEPT, "--target", "nowhere", **environment)
    any_project.revision("left", f'op.execute("{CUT_OFF}")')
    runner.run(any_project, "upgrade", *KEPT, **environment)
    any_project.revision("right", "pass", down="one")
    runner.run(any_project, "upgrade", *KEPT, "--target", "head", **environment)
    assert rows(database, "from_revisions, to_revisions, outcome") == [
        ([], ["one"], "UpToDate"),
        (["newer"], ["newer"], "DatabaseAhead"),
        (["one"], ["one"], "UnknownTarget"),
        (["one"], ["one"], "DatabaseUnreachable"),
        (["one"], ["one"], "MultipleHeads"),
    ]


def test_a_row_is_left_although_env_py_takes_its_own_transaction_back(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="connection.begin()").table("one").revision("two", "raise ValueError('no')")
    run = runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    assert (run.code, database.value("select to_regclass('one')::text")) == (70, None), run.stderr
    ((*_, before, after, outcome, error),) = rows(database)
    assert (before, after, outcome) == ([], [], "RevisionFailed")
    assert "no" in error


def test_the_table_belongs_to_the_role_lies_in_the_schema_and_can_be_read_by_who_may_read_it(
    any_project: Project, runner: Runner, database: Database
) -> None:
    with users(database, "owner", "login", "reader") as (owner, login, reader):
        database.rows(f"grant {owner.user} to {login.user}; grant create on database {database.name} to {owner.user}")
        any_project.begin().table("one")
        words = ("upgrade", *KEPT, "--role", owner.user, "--schema", "My Shop")
        run = runner.run(any_project, *words, APP_URL=login.url("psycopg2"))
        assert (run.code, run.result.warnings) == (0, ()), run.stderr
        assert database.value(f"select tableowner from pg_tables where tablename = '{TABLE}'") == owner.user
        database.rows(f'grant usage on schema "My Shop" to {reader.user}')
        database.rows(f'grant select on "My Shop".{TABLE} to {reader.user}')
        assert rows(reader, "outcome", "My Shop") == [("UpToDate",)]


def test_who_may_not_write_a_row_is_told_and_migrates_all_the_same(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", *KEPT, APP_URL=database.url("psycopg2"))
    any_project.table("two")
    with users(database, "poor") as (poor,):
        database.rows(f"grant all on alembic_version, alembic_operator_history to {poor.user}")
        run = runner.run(any_project, "upgrade", *KEPT, APP_URL=poor.url("psycopg2"))
        assert (run.code, database.heads()) == (0, ["two"]), run.stderr
        (warning,) = run.result.warnings
        assert warning == f"the run is not recorded in the table of runs: permission denied for table {TABLE}"
        assert len(rows(database)) == 1


def test_without_the_flag_there_is_no_table_of_runs(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    runner.run(any_project, "upgrade", "--image", "users:7", APP_URL=database.url("psycopg2"))
    assert database.value(f"select to_regclass('{TABLE}')::text") is None
