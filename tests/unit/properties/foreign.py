"""Objects that somebody else wrote: of the right outer shape, and with anything at all in any place of it.

Hypothesis draws some bytes, and each byte is one choice: that is ten times as fast as drawing every value, and a
failure shrinks to few bytes all the same.
"""

import json
from typing import Any

from hypothesis import strategies as st

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest
from tests.unit.core.builders import UP_TO_DATE


class Deep(dict[str, Any]):
    """So deep an object that not even Python's own repr() comes back."""

    def __repr__(self) -> str:
        return "Deep()"


DEEP = Deep(a=[])
for _ in range(1500):
    DEEP = Deep(a=[DEEP])

_REPORT = json.loads(UP_TO_DATE.to_json())
_IN_REPORTS: list[Any] = [
    *(None, True, -1, 2**31, 10**400, 0.5, float("inf"), "", "one", "9" * 4300, "\ud800", "x" * 254, "x" * 4000),
    *(
        [],
        {},
        [[]],
        [None],
        ["x"] * 500,
        {"message": "x" * 2000},
        {"sqlstate": "123456"},
        [{"revision": "b2", "ms": 10**400}],
    ),
]
REPORTS = [json.dumps(_REPORT | {field: odd}) for field in _REPORT for odd in _IN_REPORTS]
"""Termination messages that are nearly a Result."""

ODD: list[Any] = [
    *(None, True, False, 0, 1, -1, 2**31, 2**63, -(2**63), 10**400, 10**4000, 0.5, 1e308, float("inf")),
    *("", "0", "1", "-1", "one", "25%", "100%", "9" * 5000, "9" * 5000 + "%", "1e999999999", "1/0", "٣", "NaN"),
    *("2026-03-01T12:00:00Z", "2026-03-01T12:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-W09"),
    *("0001-01-01T00:00:00+23:59", "2026-03-01T12:00:00.5+02:00", "soon", "9" * 32, "9" * 31 + "h", "9" * 400 + "h"),
    *("\ud800", "x\udfffx", "é" * 300, "x" * 254, "x" * 40_000, "x" * 300_000, "a@sha256:" + "4" * 500, "a\nb\0"),
    *([], {}, [[]], [None], [{}], {"": None}, [{}] * 20_000, ["x"] * 20_000, [{"name": {}}], [{"name": "a"}] * 500),
    *({"name": []}, {str(number): number for number in range(5000)}, DEEP, [DEEP], *REPORTS[::7]),
    *("{}", "[]", '{"version":2}', '{"version":1' + "0" * 4000 + "}", "[" * 3000, '{"version":1,"reason":[]}'),
    *("True", "Failed", "Complete", "Succeeded", "Running", "upgrade", "gate", "--help", "-x", names.SKIP),
]
"""What a person or a program may write by mistake or on purpose, and what Python takes ill."""

WORDS = [
    *("name", "uid", "kind", "spec", "status", "env", "value", "image", "containers", "state", "terminated", "type"),
    *("exitCode", "message", "reason", "conditions", "command", "args", "labels", "annotations", "ports", "strategy"),
    *("", "\ud800", "x" * 300, names.ATTEMPT, names.RETRY, names.GATE_ANNOTATION, names.MIGRATION_LABEL),
]

_LONGEST_LIST = 50


class Choices:
    """Decisions that bytes make: past their end always the first."""

    def __init__(self, of: bytes) -> None:
        self._left = iter(of)

    def below(self, count: int) -> int:
        """Return a number from 0 to count - 1."""
        return next(self._left, 0) % count

    def one(self, among: list[Any]) -> Any:
        return among[self.below(len(among))]


def anything(choose: Choices, depth: int = 3) -> Any:
    """Return any JSON, with the words of Kubernetes in it more often than chance would have it."""
    match choose.below(8 if depth else 6):
        case 6:
            return [anything(choose, depth - 1) for _ in range(choose.below(4))]
        case 7:
            return {choose.one(WORDS): anything(choose, depth - 1) for _ in range(choose.below(4))}
        case 5:
            return choose.one(REPORTS)
        case _:
            return choose.one(ODD)


def spoilt_by(choose: Choices, whole: Manifest, most: int = 4) -> Manifest:
    """Return an object with some of its values replaced, added or taken away; what the API server guarantees stays."""
    found: Any = whole
    for _ in range(1 + choose.below(most)):
        found = _changed(choose, found)
    metadata = found.get("metadata") if isinstance(found, dict) else None
    kept = {name: whole["metadata"][name] for name in ("name", "namespace", "uid", "resourceVersion")}
    return (found if isinstance(found, dict) else {}) | {
        "metadata": (metadata if isinstance(metadata, dict) else {}) | kept
    }


def _changed(choose: Choices, value: Any) -> Any:
    """Return a value that differs in one place of it, or as a whole; the one that was given stays as it is."""
    is_whole = not isinstance(value, dict | list) or not value or len(value) > _LONGEST_LIST
    how = choose.below(12)
    if is_whole or how == 0:
        return anything(choose)
    if isinstance(value, list):
        at = choose.below(len(value))
        more = [value[at]] if how == 1 else []
        return [*value[:at], *more, _changed(choose, value[at]), *value[at + 1 :]]
    name = choose.one(list(value))
    match how:
        case 1:
            return {key: one for key, one in value.items() if key != name}
        case 2:
            return value | {choose.one(WORDS): anything(choose)}
        case _:
            return value | {name: _changed(choose, value[name])}


choices = st.binary(min_size=96, max_size=96).map(Choices)


def spoilt(whole: Manifest) -> st.SearchStrategy[Manifest]:
    """Return such objects."""
    return choices.map(lambda choose: spoilt_by(choose, whole))


anythings = choices.map(anything)
"""Any JSON."""
