"""`check` and `gate` answer without Alembic where they can, and the slow way where they cannot."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner.project import Project, base_environment
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Process, Runner
    from tests.runner.server import Database

FORBIDDEN = "raise RuntimeError('this must not run')\n"
HEAVY = ("alembic", "sqlalchemy", "psycopg", "psycopg2", "asyncpg", "pg8000", "scramp", "dateutil", "asn1crypto")
LOOKS = "select pid, query_start, state, application_name from pg_stat_activity where datname = current_database()"


@pytest.fixture(autouse=True)
def recent(runner: Runner) -> None:
    """Skip where the carried driver cannot be used; only a chosen environment has so old a Python."""
    words = [str(runner.python), "-c", "import sys; sys.exit(sys.version_info < (3, 10))"]
    if runner.python != sys.executable and subprocess.run(words, check=False).returncode:
        pytest.skip("the carried driver needs Python 3.10")


@pytest.fixture
def poison(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing of the image's can be imported."""
    folder = tmp_path / "poison"
    for name in HEAVY:
        (folder / name).mkdir(parents=True)
        (folder / name / "__init__.py").write_text(FORBIDDEN)
    return {"PYTHONPATH": str(folder)}


@pytest.fixture
def migrated(any_project: Project, database: Database) -> Project:
    any_project.begin().table("one").table("two")
    database.contain("two")
    return any_project


def _forbid(project: Project) -> None:
    """Let no file of the project be run any more."""
    for path in (project.folder / "migrations").rglob("*.py"):
        path.write_text(FORBIDDEN + path.read_text())


def _gate(database: Database) -> tuple[Any, ...] | None:
    """Return the gate's session, when it is idle."""
    rows = [row for row in database.rows(LOOKS) if row[3].startswith("alembic-operator/")]
    assert not [row for row in rows if str(row[2]).startswith("idle in transaction")]
    return rows[0] if len(rows) == 1 and rows[0][2] == "idle" else None


def _messages(process: Process) -> list[str]:
    return [one["message"] for one in process.said("waiting")]


@pytest.mark.parametrize("command", ["check", "gate"])
def test_nothing_of_the_image_is_imported_where_everything_is_plain(
    migrated: Project, runner: Runner, database: Database, poison: dict[str, str], command: str
) -> None:
    _forbid(migrated)
    run = runner.run(migrated, command, "--database", "environment", **database.environment(), **poison)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr
    assert re.fullmatch(r"pg8000 1\.\d+\.\d+", run.result.driver)
    assert (run.result.alembic, run.result.sqlalchemy) == ("", "")


def test_revisions_near_the_configuration_are_plain_too(
    migrated: Project, runner: Runner, database: Database, poison: dict[str, str], tmp_path: Path
) -> None:
    config = migrated.write("alembic.ini", "[alembic]\nscript_location = migrations\n")
    (elsewhere := Project(tmp_path / "elsewhere")).folder.mkdir()
    words = ("check", "--database", "environment", "--config", str(config))
    run = runner.run(elsewhere, *words, **database.environment(), **poison)
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr


def test_a_url_a_role_and_a_schema_are_plain_too(
    migrated: Project, runner: Runner, database: Database, poison: dict[str, str]
) -> None:
    owner, user = (f"{database.name}_{word}" for word in ("owner", "user"))
    database.rows(
        f"create role {owner}; create role {user} login password 'se cret%2F@' in role {owner} noinherit;"
        f'create schema "My Service" authorization {owner};'
        f'alter table alembic_version owner to {owner}; alter table alembic_version set schema "My Service"'
    )
    url = replace(database, user=user, password="se cret%2F@").url("asyncpg")
    words = ("check", "--database", "environment", "--schema", "My Service")
    try:
        refused = runner.run(migrated, *words, DATABASE_URL=url, **poison)
        run = runner.run(migrated, *words, "--role", owner, DATABASE_URL=url, **poison)
    finally:
        database.rows(f"drop owned by {owner} cascade; drop role {user}; drop role {owner}")
    assert (refused.code, refused.result.reason) == (77, "PermissionDenied"), refused.stderr
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr


FINDER = """
from sqlalchemy import event
from sqlalchemy.engine import Engine

@event.listens_for(Engine, "connect")
def connected(raw, _record):
    with raw.cursor() as cursor:
        cursor.execute("set search_path to tenant")
    raw.commit()
"""


@pytest.mark.parametrize("driverless", [False, True], ids=["with the runner's driver", "with the image's"])
def test_another_services_version_table_is_not_taken_for_that_of_the_image(
    any_project: Project, runner: Runner, database: Database, *, driverless: bool
) -> None:
    any_project.begin().table("one").table("two")
    database.rows(
        "create schema tenant; create table tenant.alembic_version as select 'one' version_num;"
        " create table public.alembic_version as select 'two' version_num"
    )
    env = any_project.folder / "migrations" / "env.py"
    any_project.write("finder.py", FINDER)
    env.write_text(f"import finder\n{env.read_text()}")
    environment = {"APP_URL": database.url("psycopg2"), "PYTHONPATH": str(any_project.folder), **database.environment()}
    more = {"PGOPTIONS": "-c geqo=on"} if driverless else {}
    run = runner.run(any_project, "check", "--database", "environment", **environment, **more)
    assert (run.code, run.result.reason, run.result.to) == (0, "Pending", ("one",)), run.stderr


@pytest.mark.parametrize("how", ["by its name", "by a setting of its own", "in words"])
def test_a_user_that_is_led_to_its_own_version_table_is_plain(
    migrated: Project, runner: Runner, database: Database, poison: dict[str, str], how: str
) -> None:
    user, schema = f"{database.name}_user", "tenant"
    if how == "by its name":
        schema = user
    database.rows(
        f"create role {user} login password 'secret'; create schema {schema} authorization {user};"
        f"create table {schema}.alembic_version as select 'two' version_num;"
        f"alter table {schema}.alembic_version owner to {user}; update public.alembic_version set version_num = 'one'"
    )
    if how == "by a setting of its own":
        database.rows(f"alter role {user} set search_path to {schema}")
    words = ("--schema", schema) if how == "in words" else ()
    environment = replace(database, user=user, password="secret").environment()
    try:
        run = runner.run(migrated, "check", "--database", "environment", *words, **environment, **poison)
    finally:
        database.rows(f"drop owned by {user} cascade; drop role {user}")
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("two",)), run.stderr


@pytest.mark.parametrize("reason", ["revision", "table", "locations", "options", "empty"])
def test_what_is_not_plain_goes_the_slow_way(
    migrated: Project, runner: Runner, database: Database, reason: str
) -> None:
    env = migrated.folder / "migrations" / "env.py"
    more = {}
    if reason == "revision":
        migrated.write("migrations/versions/two.py", (migrated.folder / "migrations/versions/two.py").read_text() * 2)
    if reason == "table":
        env.write_text(
            env.read_text().replace("target_metadata=None", "version_table='_'.join(['alembic', 'version'])")
        )
    if reason == "locations":
        env.write_text(env.read_text() + "\n# script_location\n")
    if reason == "options":
        more = {"PGOPTIONS": "-c search_path=public"}
    if reason == "empty":
        database.rows("delete from alembic_version")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment(), **more}
    run = runner.run(migrated, "check", "--database", "environment", **environment)
    assert (run.code, run.result.reason) == (0, "Pending" if reason == "empty" else "UpToDate"), run.stderr
    assert len(run.said("looking with Alembic")) == 1
    assert run.result.driver.startswith("psycopg2")


@pytest.mark.parametrize(
    ("change", "code", "reason"),
    [
        ({"PGPASSWORD": "wrong"}, 77, "AuthenticationFailed"),
        ({"PGDATABASE": "missing"}, 77, "DatabaseNotFound"),
        ({"PGUSER": "nobody"}, 77, "AuthenticationFailed"),
    ],
)
def test_what_the_server_refuses_has_its_reason(
    migrated: Project,
    runner: Runner,
    database: Database,
    poison: dict[str, str],
    change: dict[str, str],
    code: int,
    reason: str,
) -> None:
    environment = {**database.environment(), **change, **poison}
    run = runner.run(migrated, "check", "--database", "environment", **environment)
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.sqlstate
    assert run.result.error.hint
    assert f"{database.host}:{database.port}/" in run.result.error.message
    assert database.password not in run.everything


def test_the_drivers_of_the_runner_and_of_the_application_are_not_mixed_up(
    migrated: Project, runner: Runner, database: Database
) -> None:
    for name in ("pg8000", "scramp", "dateutil"):
        migrated.write(f"{name}/__init__.py", "OWN = True\n")
    env = migrated.folder / "migrations" / "env.py"
    env.write_text("import dateutil, pg8000, scramp\nprint(pg8000.OWN, scramp.OWN, dateutil.OWN)\n" + env.read_text())
    database.rows("delete from alembic_version")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    run = runner.run(migrated, "check", "--database", "environment", **environment)
    assert (run.code, run.result.reason) == (0, "Pending"), run.stderr
    assert "True True True" in run.stderr


@pytest.mark.parametrize("how", ["env.py", "environment"])
def test_the_gate_keeps_one_connection_and_idles_in_no_transaction(
    migrated: Project, runner: Runner, database: Database, how: str
) -> None:
    migrated.table("three")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    gate = runner.start(migrated, "gate", "--database", how, **environment)
    pid, begun, *_ = until(lambda: _messages(gate) and _gate(database))
    later = until(lambda: (row := _gate(database)) and row[1] > begun and row)
    until(lambda: (row := _gate(database)) and row[1] > later[1])
    assert later[0] == pid
    assert gate.popen.poll() is None


@pytest.mark.parametrize("how", ["env.py", "environment"])
def test_the_gate_connects_anew_when_its_connection_is_lost(
    migrated: Project, runner: Runner, database: Database, how: str
) -> None:
    migrated.table("three")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    gate = runner.start(migrated, "gate", "--database", how, **environment)
    pid, *_ = until(lambda: _messages(gate) and _gate(database))
    database.rows(f"select pg_terminate_backend({pid})")
    until(lambda: (row := _gate(database)) and row[0] != pid)
    assert _messages(gate) == ["waiting for revision three: the database contains two (1 pending)"]
    database.contain("three")
    run = gate.finish()
    assert (run.code, run.result.to) == (0, ("three",)), run.stderr


def test_the_gate_waits_on_at_a_server_that_does_not_answer(
    migrated: Project, runner: Runner, database: Database
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        environment = {**database.environment(), "PGPORT": str(silent.getsockname()[1])}
        gate = runner.start(migrated, "gate", "--database", "environment", **environment)
        (message,) = until(lambda: _messages(gate), 60)
        assert "timed out" in message
        assert gate.popen.poll() is None


def test_the_gate_asks_env_py_when_a_version_table_stays_empty(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="print('env.py ran')").table("one")
    database.rows("create schema another; create table another.alembic_version (version_num text)")
    environment = {"APP_URL": database.url("psycopg2"), **database.environment()}
    gate = runner.start(any_project, "gate", "--database", "environment", **environment)
    until(lambda: _messages(gate))
    assert "env.py ran" not in gate.log()
    until(lambda: "env.py ran" in gate.log(), 60)
    database.contain("one")
    run = gate.finish()
    assert (run.code, run.result.reason) == (0, "UpToDate"), run.stderr
    assert _messages(gate) == ["waiting for revision one: the database contains no revision (1 pending)"]


def test_a_waiting_gate_is_small(migrated: Project, runner: Runner, database: Database) -> None:
    migrated.table("three")
    gate = runner.start(migrated, "gate", "--database", "environment", **database.environment())
    until(lambda: _messages(gate))
    status = (Path("/proc") / str(gate.popen.pid) / "status").read_text()
    (kibibytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status)
    assert int(kibibytes) <= 40 * 1024


def test_a_check_takes_far_less_than_alembic_current(migrated: Project, database: Database, pyz: Path) -> None:
    environment = {**base_environment(), **database.environment(), "APP_URL": database.url("psycopg2")}
    quick = [sys.executable, str(pyz), "check", "--database", "environment", "--result", os.devnull]
    slow = [sys.executable, "-m", "alembic", "current"]
    times: dict[str, list[float]] = {"quick": [], "slow": []}
    for _ in range(5):
        for name, words in (("quick", quick), ("slow", slow)):
            begun = time.monotonic()
            subprocess.run(words, cwd=migrated.folder, env=environment, check=True, capture_output=True)
            times[name].append(time.monotonic() - begun)
    assert min(times["quick"]) < 0.6 * min(times["slow"]), times


def test_a_gate_that_needs_alembic_and_has_none_says_so_once_and_waits(
    migrated: Project, runner: Runner, database: Database, poison: dict[str, str]
) -> None:
    for path in Path(poison["PYTHONPATH"]).rglob("*.py"):
        path.write_text("raise ImportError('none here')\n")
    database.rows("delete from alembic_version")
    gate = runner.start(migrated, "gate", "--database", "environment", **database.environment(), **poison)
    until(lambda: len(_messages(gate)) == 2, 60)
    assert "cannot import Alembic: none here" in _messages(gate)[1]
    database.rows("insert into alembic_version values ('two')")
    run = gate.finish()
    assert (run.code, run.result.reason, len(_messages(gate))) == (0, "UpToDate", 2), run.stderr
    assert run.said("looking with Alembic") == []
