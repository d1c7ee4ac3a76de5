"""A server that restarts, fails over, or runs out of room, while a revision runs; and how a retry ends."""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.runner import server
from tests.runner.privileges import require
from tests.runner.project import DRIVERS, Project, Runner
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.runner.project import Process, Run
    from tests.runner.server import Database

MAX_CONNECTIONS = 20
DURABLE = {"synchronous_commit": "on", "wal_level": "replica", "max_wal_senders": "4"}
"""What is committed is not lost with the server's memory, and a standby may follow."""
STEP = "op.execute(\"insert into steps values ('{name}')\")\n"
WHILE_SLOW = 'op.execute("select pg_sleep(300) from slow")'
"""Runs for ever, until the table is empty."""


def _begun(database: Database, folder: Path, driver: str) -> Project:
    """Make a project whose second revision does not end, in a new database that counts what is applied."""
    server.Database.rows(
        database.named("postgres"), f"create database {database.name} strategy file_copy template template0"
    )
    database.rows("create table steps (name text); create table slow as select 1")
    project = Project(folder / database.name, driver).begin()
    project.revision("one", STEP.format(name="one"))
    return project.revision("two", STEP.format(name="two") + WHILE_SLOW).revision("three", STEP.format(name="three"))


def _sleeps(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_stat_activity where query like '%from slow%' and state = 'active'"
            " and pid <> pg_backend_pid() and datname = current_database()"
        )
    )


def _is_tried_again(run: Run, reason: str) -> None:
    assert (run.code, run.result.reason) == (75, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint


def _healed(run: Run, database: Database) -> None:
    assert (run.code, database.heads()) == (0, ["three"]), run.stderr
    assert database.rows("select name from steps order by 1") == [("one",), ("three",), ("two",)]


def test_a_server_that_restarts_in_the_middle_is_healed_by_a_retry(runner: Runner, tmp_path: Path) -> None:
    with server.own(DURABLE) as own:
        databases = {driver: own.database.named(f"by_{driver}") for driver in DRIVERS}
        projects = {driver: _begun(databases[driver], tmp_path, driver) for driver in DRIVERS}
        processes = _all_start(runner, projects, {driver: one.url(driver) for driver, one in databases.items()})
        for driver in DRIVERS:
            until(lambda name=driver: _sleeps(databases[name]), 60)
        own.stop(signal.SIGQUIT)
        own.start()
        for driver, process in processes.items():
            run = process.finish()
            _is_tried_again(run, "DatabaseUnreachable")
            assert databases[driver].heads() == ["one"]
            databases[driver].rows("truncate slow")
        again = _all_start(runner, projects, {driver: one.url(driver) for driver, one in databases.items()})
        for driver, process in again.items():
            _healed(process.finish(), databases[driver])


def _all_start(runner: Runner, projects: dict[str, Project], urls: dict[str, str]) -> dict[str, Process]:
    return {name: runner.start(project, "upgrade", APP_URL=urls[name]) for name, project in projects.items()}


def test_after_a_failover_the_promoted_standby_is_migrated_each_revision_once(runner: Runner, tmp_path: Path) -> None:
    with server.own(DURABLE) as primary, _standby(primary) as standby:
        databases = {driver: primary.database.named(f"by_{driver}") for driver in DRIVERS}
        projects = {driver: _begun(databases[driver], tmp_path, driver) for driver in DRIVERS}
        urls = {driver: _either(driver, databases[driver], standby.database) for driver in DRIVERS}
        processes = _all_start(runner, projects, urls)
        for driver in DRIVERS:
            until(lambda name=driver: _sleeps(databases[name]), 60)
        lsn = primary.database.value("select pg_current_wal_lsn()")
        until(lambda: standby.database.value(f"select pg_last_wal_replay_lsn() >= '{lsn}'"), what="the standby follows")
        primary.stop(signal.SIGQUIT)
        for process in processes.values():
            assert process.finish().code == 75
        for process in _all_start(runner, projects, urls).values():
            run = process.finish()
            _is_tried_again(run, "ReadOnlyDatabase")
            assert run.result.error
            assert run.result.error.message.endswith(" is a standby"), "it was not even tried"
        standby.database.rows("select pg_promote()")
        for driver, process in _retried(runner, projects, urls, standby.database).items():
            _healed(process.finish(), standby.database.named(f"by_{driver}"))


def _retried(
    runner: Runner, projects: dict[str, Project], urls: dict[str, str], promoted: Database
) -> dict[str, Process]:
    for driver in projects:
        promoted.named(f"by_{driver}").rows("truncate slow")
    return _all_start(runner, projects, urls)


@contextmanager
def _standby(primary: server.Server) -> Iterator[server.Server]:
    """Follow a primary that has no database of its own yet."""
    with server.own(DURABLE, follows=primary) as standby:
        yield standby


def _either(driver: str, database: Database, other: Database) -> str:
    hosts = "&".join(f"host={one.host}:{one.port}" for one in (database, other))
    return f"postgresql+{driver}://{database.user}:{quote(database.password, safe='')}@/{database.name}?{hosts}"


def test_a_full_disk_is_healed_by_room(runner: Runner, tmp_path: Path) -> None:
    with server.own() as own, _disk(own, "8m") as disk:
        own.database.rows(f"create tablespace small location '{disk}'")
        own.database.rows("create table steps (name text)")
        project = Project(tmp_path / "project", "psycopg2").begin()
        project.revision("one", STEP.format(name="one"))
        rows = "insert into big select repeat('x', 1000) from generate_series(1, 20000)"
        table = "create table big (filler text) tablespace small"
        project.revision("two", f'{STEP.format(name="two")}op.execute("{table}")\nop.execute("{rows}")')
        run = runner.run(project, "upgrade", APP_URL=own.database.url("psycopg2"))
        _is_tried_again(run, "ResourcesExhausted")
        assert run.result.error
        assert (run.result.error.sqlstate, run.result.error.revision, run.result.to) == ("53100", "two", ("one",))
        subprocess.run(["mount", "-o", "remount,size=64m", disk], check=True)
        run = runner.run(project, "upgrade", APP_URL=own.database.url("psycopg2"))
        assert (run.code, own.database.heads()) == (0, ["two"]), run.stderr
        assert own.database.rows("select name from steps order by 1") == [("one",), ("two",)]
        own.database.rows("drop table big")


@contextmanager
def _disk(own: server.Server, size: str) -> Iterator[Path]:
    require("filling a disk", "mount")
    disk = own.folder / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", disk], check=True)
    os.chown(disk, *own.folder.stat()[4:6])
    try:
        yield disk
    finally:
        own.stop(signal.SIGQUIT)
        subprocess.run(["umount", disk], check=True)


@pytest.fixture(scope="module")
def small() -> Iterator[server.Server]:
    with server.own({"max_connections": str(MAX_CONNECTIONS)}) as small:
        yield small


@pytest.mark.every_driver
def test_a_server_without_a_free_connection_is_waited_for(
    project: Project, runner: Runner, small: server.Server
) -> None:
    project.begin().revision("one", 'op.execute("create table one (id int)")\nop.execute("drop table one")')
    with ExitStack() as connections:
        for _ in range(MAX_CONNECTIONS):
            connections.enter_context(small.database.connect())
        process = runner.start(project, "upgrade", APP_URL=small.database.url(project.driver))
        (said, *_) = until(lambda: process.said("waiting for the database"))
        assert "too many clients" in said["message"]
    run = process.finish()
    assert (run.code, small.database.heads()) == (0, ["one"]), run.stderr
    small.database.rows("drop table alembic_version")


def test_a_role_without_a_free_connection_is_tried_again_by_another_pod(
    any_project: Project, runner: Runner, database: Database
) -> None:
    role = f"role_{database.name}"
    database.rows(
        f"create role {role} login password 'secret' connection limit 1; grant all on schema public to {role}"
    )
    try:
        any_project.begin().table("one")
        url = f"postgresql+{any_project.driver}://{role}:secret@{database.host}:{database.port}/{database.name}"
        run = runner.run(any_project, "upgrade", APP_URL=url)
        _is_tried_again(run, "ResourcesExhausted")
        assert run.result.error
        assert (run.result.error.sqlstate, "too many connections" in run.result.error.message) == ("53300", True)
        database.rows(f"alter role {role} connection limit 10")
        assert runner.run(any_project, "upgrade", APP_URL=url).code == 0
    finally:
        database.rows(f"drop owned by {role}; drop role {role}")


def test_a_database_that_became_read_only_is_tried_again(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    assert runner.run(any_project, "upgrade", APP_URL=database.url(any_project.driver)).code == 0
    any_project.table("two")
    database.rows(f"alter database {database.name} set default_transaction_read_only = on")
    run = runner.run(any_project, "upgrade", APP_URL=database.url(any_project.driver))
    _is_tried_again(run, "ReadOnlyDatabase")
    assert run.result.error
    assert (run.result.error.sqlstate, run.result.error.revision) == ("25006", "two")
    database.named("postgres").rows(f"alter database {database.name} reset all")
    assert runner.run(any_project, "upgrade", APP_URL=database.url(any_project.driver)).result.to == ("two",)
