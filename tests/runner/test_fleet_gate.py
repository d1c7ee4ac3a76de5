"""`gate` with tenants: it waits for all of them, for a few, or for what they share, and asks little."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.runner.server import until
from tests.runner.test_fleets import ARGUMENT, ENVIRONMENT, fleet, make
from tests.runner.test_gate import _messages

if TYPE_CHECKING:
    from tests.runner.project import Process, Project, Runner
    from tests.runner.server import Database


def behind(database: Database, *names: str) -> None:
    """Have a run that knew more tenants than the last one."""
    database.rows(
        "insert into alembic_operator_tenants (tenant, version_table, heads, outcome, run)"
        f" select unnest(array{list(names)}), '{{}}.alembic_version', '{{one}}', 'Pending', 'x'"
    )


def gate(runner: Runner, project: Project, database: Database, **tenants: Any) -> Process:
    variables = {"APP_URL": database.url(project.driver), **database.environment()}
    return runner.start(project, "gate", *ENVIRONMENT, "--tenants", json.dumps(tenants), **variables)


NAMES = ["ws_1", "ws_2", "ws_3"]


def test_a_pod_waits_until_every_tenant_has_what_its_image_needs_and_believes_no_table_alone(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one")
    first = gate(runner, any_project, database, names=NAMES)
    until(lambda: _messages(first))
    assert _messages(first) == ["waiting: revision one is missing in 3 of 3 tenants: ws_1, ws_2, ws_3"]
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES)
    assert run.code == 0, run.stderr
    passed = first.finish()
    assert (passed.code, passed.result.reason, passed.result.to) == (0, "UpToDate", ("one",)), passed.stderr
    any_project.table("two")
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES[:2])
    behind(database, "ws_3")
    waiting = gate(runner, any_project, database, names=NAMES)
    until(lambda: "waiting: revision two is missing in 1 of 3 tenants: ws_3" in _messages(waiting))
    database.rows("update alembic_operator_tenants set heads = '{two}'")
    lie = "waiting: the version table of tenant ws_3 holds one, unlike what the table of tenants says"
    until(lambda: lie in _messages(waiting))
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES)
    assert waiting.finish().code == 0


@pytest.mark.parametrize(
    ("tenants", "said"),
    [
        ({"canary": ["ws_1"]}, "waiting: revision two is missing in 1 of 1 tenants: ws_1"),
        ({"canary": ["34%"]}, "waiting: 1 of 2 tenants contain revision two"),
    ],
    ids=["by name", "by number"],
)
def test_a_pod_may_wait_for_the_canary_alone(
    any_project: Project, runner: Runner, database: Database, tenants: dict[str, Any], said: str
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one")
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES)
    any_project.table("two")
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES[2:])
    behind(database, "ws_1", "ws_2")
    process = gate(runner, any_project, database, pattern=r"ws\_%", gate="Canary", **tenants)
    until(lambda: said in _messages(process))
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=["ws_1", "ws_3"])
    assert process.finish().code == 0


def test_a_pod_may_wait_for_what_tenants_share(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    shared = {"pattern": "ws%", "shared": "one", "gate": "Shared"}
    process = gate(runner, any_project, database, **shared)
    until(lambda: _messages(process))
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, **shared)
    run = process.finish()
    assert (run.code, run.result.to) == (0, ("one",)), run.stderr


def test_a_pod_starts_where_there_is_no_tenant_yet(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, pattern="ws%")
    run = gate(runner, any_project, database, pattern="ws%").finish()
    assert (run.code, run.result.tenants and run.result.tenants.total) == (0, 0), run.stderr


def test_an_env_py_that_takes_the_tenant_is_asked_once_and_no_tenant_each_second(
    any_project: Project, runner: Runner, database: Database
) -> None:
    make(database, *NAMES)
    any_project.begin().table("one").write("migrations/env.py", ARGUMENT)
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, names=NAMES, argument="tenant={}")
    assert run.code == 0, run.stderr
    passed = gate(runner, any_project, database, pattern=r"ws\_%", argument="tenant={}").finish()
    assert (passed.code, passed.result.to) == (0, ("one",)), passed.stderr


def test_databases_are_asked_for_in_the_same_way(any_project: Project, runner: Runner, database: Database) -> None:
    names = [f"{database.name}_{number}" for number in (1, 2)]
    for name in names:
        database.rows(f'create database "{name}"')
    any_project.begin().table("one")
    tenants = {"kind": "Databases", "names": names}
    process = gate(runner, any_project, database, **tenants)
    until(lambda: _messages(process))
    run = fleet(runner, any_project, database, "upgrade", *ENVIRONMENT, **tenants)
    assert run.code == 0, run.stderr
    assert process.finish().code == 0
