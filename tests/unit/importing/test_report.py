"""The answer: a table for people, JSON for machines."""

import json

import pytest

from alembic_operator.importing import report
from alembic_operator.importing.facts.answer import Answer, Loaded
from alembic_operator.importing.facts.findings import Finding

ANSWER = Answer(
    sha256="ab",
    revision=("r1",),
    target=("r2",),
    findings=[Finding("type", "users", "integer: correct them", "age", 5, (1, 2, 3))],
    tables=[Loaded("users", 10, 0.5)],
    seconds=2.0,
    following="Go on.",
)


def test_people_read_a_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    lines = [line.split() for line in report.as_text(ANSWER).splitlines()]
    assert ["users", "age", "type", "5", "1,", "2,", "3,", "…", "integer:", "correct", "them"] in lines
    assert ["users", "10", "0.5", "yes"] in lines
    assert ["Go", "on."] in lines


def test_machines_read_json() -> None:
    told = json.loads(report.as_json(ANSWER))
    assert told["findings"][0]["rows"] == [1, 2, 3]
    assert (told["blocked"], told["equal"], told["rows"], told["rowsPerSecond"]) == (True, False, 10, 5)
