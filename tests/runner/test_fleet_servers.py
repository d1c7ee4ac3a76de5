"""Tenants on several servers: a run migrates the one that its index names, whoever only looks goes to all of them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner import server
from tests.runner.server import until
from tests.runner.test_fleets import ENVIRONMENT, make
from tests.runner.test_gate import _messages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database, Server

TENANTS = ("--tenants", json.dumps({"pattern": r"ws\_%", "servers": ["eu", "us"]}))


@pytest.fixture(scope="module")
def far() -> Iterator[Server]:
    """Start another server, of another version."""
    with server.own(version="16") as running:
        yield running


@pytest.fixture
def servers(database: Database, far: Server) -> Iterator[tuple[Database, Database]]:
    """Return a database on each of two servers, of the same name and with other logins."""
    far.database.rows(f'create database "{database.name}"')
    yield database, far.database.named(database.name)
    far.database.rows(f'drop database "{database.name}" with (force)')


def start(runner: Runner, project: Project, servers: tuple[Database, Database], command: str, **more: Any) -> Process:
    """Start a command, which may have a word behind it."""
    eu, us = servers
    variables = {"APP_URL": eu.url(project.driver), **eu.environment(), "DATABASE_URL_us": us.url(), **more}
    return runner.start(project, *command.split(), *ENVIRONMENT, *TENANTS, **variables)


def test_each_index_migrates_its_own_server_and_looks_see_all_of_them(
    any_project: Project, runner: Runner, servers: tuple[Database, Database], far: Server
) -> None:
    eu, us = servers
    make(eu, "ws_1", "ws_2")
    make(us, "ws_1", "ws_3")
    any_project.begin().table("one")
    gate = start(runner, any_project, servers, "gate")
    until(lambda: _messages(gate))
    assert _messages(gate) == ["waiting: revision one is missing in 2 of 2 tenants: ws_1, ws_2"]
    first = start(runner, any_project, servers, "upgrade", JOB_COMPLETION_INDEX="0").finish()
    assert (first.code, str(first.result.tenants)) == (0, "2 of 2 tenants are up to date"), first.stderr
    assert (eu.heads("ws_2.alembic_version"), us.heads("ws_3.alembic_version")) == (["one"], [])
    half = start(runner, any_project, servers, "check").finish()
    assert (half.code, half.result.reason) == (0, "Pending"), half.stderr
    assert str(half.result.tenants) == "2 of 4 tenants are up to date; 2 were not begun"
    until(lambda: "waiting: revision one is missing in 2 of 2 tenants: ws_1, ws_3" in _messages(gate))
    far.stop()
    lost = start(runner, any_project, servers, "upgrade --deadline 3s", JOB_COMPLETION_INDEX="1").finish()
    assert (lost.code, lost.result.tenants) == (75, None), (
        lost.stderr
    )  # Kubernetes tries this index again, and no other
    far.start()
    second = start(runner, any_project, servers, "upgrade", JOB_COMPLETION_INDEX="1").finish()
    assert (second.code, us.heads("ws_3.alembic_version")) == (0, ["one"]), second.stderr
    passed = gate.finish()
    assert (passed.code, str(passed.result.tenants)) == (0, "4 of 4 tenants are up to date"), passed.stderr
    rows = start(runner, any_project, servers, "tenants").finish()
    told = [json.loads(line)["tenant"] for line in rows.stdout.splitlines() if '"outcome"' in line]
    assert told == ["eu/ws_1", "eu/ws_2", "us/ws_1", "us/ws_3"], rows.stderr
    made = start(runner, any_project, servers, "tenant ws_9", JOB_COMPLETION_INDEX="1").finish()
    assert (made.code, us.heads("ws_9.alembic_version"), eu.heads("ws_9.alembic_version")) == (0, ["one"], [])


def test_a_run_that_is_told_of_no_server_touches_none(
    any_project: Project, runner: Runner, servers: tuple[Database, Database]
) -> None:
    make(servers[0], "ws_1")
    any_project.begin().table("one")
    for index in ({}, {"JOB_COMPLETION_INDEX": "2"}):
        run = start(runner, any_project, servers, "upgrade", **index).finish()
        assert (run.code, run.result.reason) == (64, "ConfigInvalid"), run.stderr
        assert run.result.error
        assert "the servers are eu, us" in run.result.error.message
    assert servers[0].heads("ws_1.alembic_version") == []


def test_a_server_that_is_away_is_said_and_hides_no_other(
    any_project: Project, runner: Runner, servers: tuple[Database, Database]
) -> None:
    make(servers[0], "ws_1")
    any_project.begin().table("one")
    away = servers[0], replace(servers[1], port=1)
    run = start(runner, any_project, away, "check").finish()
    assert (run.code, run.result.reason) == (75, "DatabaseUnreachable"), run.stderr
    assert run.result.error
    assert run.result.error.message.startswith("server us: ")
    assert str(run.result.tenants) == (
        "0 of 1 tenants are up to date; 1 were not begun; nothing is known of those of server us"
    )
