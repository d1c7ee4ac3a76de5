"""How far an import is, in words and in its status."""

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from alembic_operator.contract.import_progress import ImportProgress
from alembic_operator.core.actions import CreateJob
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import decide
from alembic_operator.core.imports.observation import read_import_pod
from alembic_operator.core.imports.progress import read_import_progress
from alembic_operator.core.imports.status import status_after
from tests.unit.core.imports import DONE, NAME, a_job, a_pod, ended, look, seen

START = 1767225600.0
SAID = ImportProgress(START + 10, START, "shop/past-1", "loads", "posts", 250_000, 1_000_000)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "loads posts: 250000 of 1000000 rows, 25000 in a second, about 30 s left"),
        ({"total": 0}, "loads posts: 250000 rows, 25000 in a second"),
        ({"at": START}, "loads posts: 250000 of 1000000 rows"),
        ({"does": "compares", "rows": 1_000_000}, "compares posts: 1000000 of 1000000 rows, 100000 in a second"),
        ({"does": "builds an index of", "rows": 0}, "builds an index of posts, for 10 s"),
        ({"does": ""}, "scans the copy, or looks at what it has loaded"),
    ],
)
def test_it_is_said_in_one_sentence(changes: dict[str, Any], words: str) -> None:
    assert str(replace(SAID, **changes)) == words


def answered(**changes: Any) -> ImportProgress | None:
    body = json.dumps(asdict(SAID) | changes).encode()
    return read_import_progress(b"HTTP/1.0 200 OK\r\n\r\n" + body, "shop/past-1")


def test_an_answer_of_another_run_or_of_no_sense_is_none() -> None:
    assert answered() == SAID
    for changes in ({"run": "shop/past-2"}, {"at": "now"}, {"at": True}, {"since": -1}, {"at": 1e300}):
        assert answered(**changes) is None
    odd = answered(does="rm -rf", table="a\x1b[2Jb", rows=-7, total="all", since=START + 99)
    assert odd == replace(SAID, does="", table="a [2Jb", rows=0, total=0, since=SAID.at)


def test_the_status_has_it_while_the_pod_loads_and_not_when_it_has_ended() -> None:
    case = Case(seen(jobs=(a_job(),), pods=(a_pod(),), progress=SAID))
    told = status_after(case, decide(case))
    assert told.conditions[0].message.startswith("pod pod loads posts: 250000 of 1000000 rows, 25000 in a second")
    assert told.progress is not None
    assert (told.progress.table, told.progress.rows, told.progress.total) == ("posts", 250_000, 1_000_000)
    assert (told.progress.rows_per_second, told.progress.eta_seconds) == (25_000, 30)
    case = Case(seen(**ended(DONE), progress=SAID))
    assert status_after(case, decide(case)).progress is None


def test_only_the_step_that_loads_answers_and_only_when_somebody_asks() -> None:
    action = look(asks_progress=True).action
    assert isinstance(action, CreateJob)
    pod = action.manifest["spec"]["template"]["spec"]
    told = {"name": "ALEMBIC_OPERATOR_PROGRESS", "value": f"shop/{NAME}"}
    assert [told in one["env"] for one in (*pod["initContainers"], *pod["containers"])] == [False, False, True]
    plain = look().action
    assert isinstance(plain, CreateJob)
    assert plain.manifest["metadata"]["name"] == action.manifest["metadata"]["name"]
    assert "ALEMBIC_OPERATOR_PROGRESS" not in repr(plain.manifest)


def test_a_pod_is_asked_at_its_address_while_that_step_runs() -> None:
    running = {"state": {"running": {"startedAt": "2026-03-01T12:00:00Z"}}}
    for name, address in (("load", "10.0.0.9"), ("other", "")):
        raw = {"status": {"podIP": "10.0.0.9", "containerStatuses": [running | {"name": name}]}}
        assert read_import_pod(raw).ip == address
