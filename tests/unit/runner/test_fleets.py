"""What a fleet decides without a database: where tenants are, who goes first, how many at a time, who failed alike."""

from __future__ import annotations

import json
import os
import re
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from alembic_operator.contract import Failure, Invocation, Result
from alembic_operator.contract.tenants import Tenants
from alembic_operator.runner.database.versions import VersionTable
from alembic_operator.runner.process.journal import Journal
from alembic_operator.runner.process.masking import Secrets
from alembic_operator.runner.tenants import abreast, rollout, standing
from alembic_operator.runner.tenants.crew import Crew, Hand
from alembic_operator.runner.tenants.echoes import Echoes
from alembic_operator.runner.tenants.lines import Line
from alembic_operator.runner.tenants.load import Processors
from alembic_operator.runner.tenants.places import Places, Rule
from alembic_operator.runner.tenants.rollout import Width
from alembic_operator.runner.tenants.standing import Pair
from alembic_operator.runner.tenants.tally import Tally

ALEMBIC = ("tenant_a.{}lembic_version",)
"""An unlikely rule, which the second tenant refutes."""
NAMES = tuple(f"ws_{number}" for number in range(10))


@pytest.mark.parametrize(
    ("tenant", "table", "rules"),
    [
        ("ws_1", ("ws_1", "alembic_version"), ["{}.alembic_version"]),
        ("a", ("tenant_a", "alembic_version"), ["ten{}nt_a.alembic_version", "tenant_{}.alembic_version", *ALEMBIC]),
        ("ws", ("public", "version_ws"), ["public.version_{}"]),
        ("ws", ("public", "alembic_version"), []),
    ],
)
def test_the_version_table_of_one_tenant_allows_these_rules(
    tenant: str, table: tuple[str, str], rules: list[str]
) -> None:
    found = Rule.possible(tenant, VersionTable(*table))
    assert sorted(one.words for one in found) == sorted(rules)
    assert all(one.of(tenant) == VersionTable(*table) for one in found if len(rules) == 1)


def test_a_tenant_gets_the_command_line_that_its_project_understands() -> None:
    fleet = Invocation("upgrade", x=("color=blue",), tenants="{}")
    schemas = Places(fleet, Tenants(names=("a b",)), None)
    assert schemas.invocation_of("a b") == Invocation("upgrade", x=("color=blue",), schema="a b")
    told = Places(fleet, Tenants(names=("a b",), argument="tenant={}", shared="common@head"), None)
    assert told.invocation_of("a b") == Invocation("upgrade", x=("color=blue", "tenant=a b"))
    assert told.invocation_of(None) == Invocation("upgrade", x=("color=blue",), target="common@head")


class Stated(Processors):
    """What a machine with so many processors says."""

    def __init__(self, count: int, *, have_room: bool) -> None:
        super().__init__()
        self.count, self._stated = count, have_room

    @property
    def have_room(self) -> bool:
        return self._stated


@pytest.mark.parametrize(
    ("canary", "first"),
    [(("ws_7", "ws_1", "absent"), ("ws_1", "ws_7")), (("2",), NAMES[:2]), (("1%",), NAMES[:1]), ((), ())],
)
def test_the_canary_is_named_or_counted(canary: tuple[str, ...], first: tuple[str, ...]) -> None:
    assert rollout.canaries(Tenants(pattern="%", canary=canary), NAMES) == first


def test_processes_are_as_many_as_connections_allow_and_fewer_when_they_are_in_their_own_way() -> None:
    tenants, processors = Tenants(pattern="%", max_parallel=8), Stated(8, have_room=True)
    assert [Width.of(tenants, left, 4, processors).now for left in (100, 16, 3, -5)] == [8, 4, 1, 1]
    width = Width.of(tenants, 100, 4, processors)
    for expected in (4, 2, 1, 1):
        width.halve()
        assert width.now == expected
    for _ in range(40):
        width.went_well()
        width.lasts()
    assert width.now == 3


@pytest.mark.parametrize(("have_room", "widths"), [(True, [4, 5, 6, 7, 8, 8]), (False, [4, 4, 4, 4, 4, 5])])
def test_processes_are_two_for_each_processor_and_more_where_they_only_wait_for_the_server(
    widths: list[int], *, have_room: bool
) -> None:
    width = Width.of(Tenants(pattern="%", max_parallel=8), 100, 4, Stated(2, have_room=have_room))
    seen = [width.now]
    for step in (width.went_well, *[width.lasts] * 4):
        step()
        seen.append(width.now)
    assert seen == widths
    for _ in range(40):
        width.went_well()
    assert width.now == widths[-1]


def failed(message: str = "", **facts: Any) -> Result:
    return Result("RevisionFailed", error=Failure(message, **facts))


def test_tenants_that_failed_alike_are_one_group_whatever_their_names_are_in_the_statement() -> None:
    tally = Tally(set(NAMES))
    for name in NAMES[:4]:
        statement = f'INSERT INTO "{name}".once SELECT n'
        tally.ended(name, failed(f"duplicate in {name}", sqlstate="23505", revision="two", statement=statement))
    tally.ended("ws_4", Result("PermissionDenied", error=Failure("no right on ws_4")))
    tally.ended("ws_5", Result("PermissionDenied", error=Failure("no right on ws_5")))
    tally.ended("ws_6", Result("UpToDate"))
    fleet = tally.fleet
    assert (fleet.total, fleet.up_to_date, fleet.behind, fleet.failed) == (10, 1, 3, 6)
    assert [(one.reason, one.count, one.names) for one in fleet.failures] == [
        ("RevisionFailed", 4, NAMES[:4]),
        ("PermissionDenied", 2, NAMES[4:6]),
    ]
    assert fleet.failures[0].statement == 'INSERT INTO "ws_0".once SELECT n'
    tally.ended("ws_0", Result("UpToDate"))
    tally.forget("ws_1")
    assert (tally.fleet.total, tally.fleet.failed) == (9, 4)


def test_the_reason_is_that_of_what_no_retry_heals() -> None:
    tally = Tally(set(NAMES))
    assert tally.worst is None
    for name, reason in (("ws_1", "LockTimeout"), ("ws_2", "LockTimeout"), ("ws_3", "PermissionDenied")):
        tally.ended(name, Result(reason, error=Failure(reason)))
    assert tally.worst
    assert tally.worst.reason == "PermissionDenied"
    tally.ended("ws_4", failed("broken"))
    assert tally.worst
    assert tally.worst.reason == "RevisionFailed"


def test_databases_are_asked_side_by_side_and_the_first_failure_is_told() -> None:
    three = threading.Barrier(3)

    def ask(name: str) -> int:
        return int(name[3:]) + 0 * three.wait(1)

    assert abreast.each(NAMES[:9], ask, 3) == {name: at for at, name in enumerate(NAMES[:9])}
    assert abreast.each((), ask, 3) == {}
    with pytest.raises(ZeroDivisionError):
        abreast.each(NAMES, lambda name: 1 // (name != "ws_4"), 3)


def test_of_failures_alike_one_traceback_is_told_and_how_many_there_were() -> None:
    lines: list[dict[str, Any]] = []
    echoes = Echoes(Journal(lambda line: lines.append(json.loads(line)), Secrets()))
    for name in NAMES:
        echoes.hear(name, {"error": "no right", "traceback": f"line 7: at 0x7f{name[3:]}: no right on {name}"})
        echoes.hear("ws", {"error": "other", "traceback": f"of another: {name}"})
    echoes.over()
    told = [(one["event"], one.get("tenant"), one.get("tenants"), one["error"]) for one in lines]
    assert told == [
        ("failed", "ws_0", None, "no right"),
        ("failed", "ws", None, "other"),
        ("failed alike", None, 10, "no right"),
    ]


class Refused(Exception):  # noqa: N818  as a driver raises it
    def __init__(self, sqlstate: str) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


def test_one_version_table_that_cannot_be_read_hides_no_other() -> None:
    pairs = [Pair(name, VersionTable(name, "alembic_version")) for name in NAMES]
    asked = []

    def query(sql: str) -> list[tuple[Any, ...]]:
        asked.append(sql)
        if "pg_class" in sql:
            return [(name, "alembic_version", name != "ws_1") for name in NAMES if name != "ws_0"]
        if '"ws_4"' in sql:  # dropped just then
            raise Refused("42P01")
        tables = re.findall('"(ws_[0-9])"', sql)
        return [(at, " " if name == "ws_9" else "two") for at, name in enumerate(tables)]

    heads = standing.read(query, pairs)
    assert heads["ws_0"] == ()
    assert [name for name, one in heads.items() if one is None] == ["ws_1", "ws_4", "ws_9"]
    assert heads["ws_3"] == heads["ws_7"] == ("two",)
    assert len(asked) < 2 * len(NAMES)


def test_a_crew_goes_on_without_who_forks_and_waits_for_nothing_from_there() -> None:
    ours, theirs = os.pipe()
    os.close(theirs)
    nursery: Any = SimpleNamespace(line=Line(ours))
    crew = Crew(nursery, {}, 1)
    assert [crew.how_ended(Hand(number, Line(-1))) for number in (1, 2)] == ["ended", "ended"]
    assert list(crew.heard(0)) == []
    os.close(ours)
