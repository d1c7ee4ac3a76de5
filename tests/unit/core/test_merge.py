import copy
from typing import Any

import pytest

from alembic_operator.core.merge import merge

CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "a new field": ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    "a value instead of another": ({"a": 1}, {"a": 2}, {"a": 2}),
    "false and zero are values": ({"a": True, "b": 1}, {"a": False, "b": 0}, {"a": False, "b": 0}),
    "objects deeply": ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
    "null removes": ({"a": 1, "b": {"c": 2}}, {"a": None, "b": {"c": None}}, {"b": {}}),
    "null removes nothing": ({}, {"a": None, "b": {"c": None, "d": 1}}, {"b": {"d": 1}}),
    "an object instead of a value": ({"a": 1}, {"a": {"b": 2}}, {"a": {"b": 2}}),
    "named items by name": (
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]},
        {"env": [{"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
        {"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "3"}, {"name": "C", "value": "4"}]},
    ),
    "null in a named item": (
        {"env": [{"name": "A", "value": "1"}]},
        {"env": [{"name": "A", "value": None, "valueFrom": {"x": 1}}]},
        {"env": [{"name": "A", "valueFrom": {"x": 1}}]},
    ),
    "mounts by their path, although they have names": (
        {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]},
        {"volumeMounts": [{"name": "w", "mountPath": "/b"}]},
        {"volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "w", "mountPath": "/b"}]},
    ),
    "spread constraints by their key": (
        {"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 1}]},
        {"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 2}, {"topologyKey": "node"}]},
        {"topologySpreadConstraints": [{"topologyKey": "zone", "maxSkew": 2}, {"topologyKey": "node"}]},
    ),
    "other items are appended, once": (
        {"tolerations": [{"key": "a"}]},
        {"tolerations": [{"key": "a"}, {"key": "b"}]},
        {"tolerations": [{"key": "a"}, {"key": "b"}]},
    ),
    "words are appended, once": ({"args": ["a"]}, {"args": ["a", "b"]}, {"args": ["a", "b"]}),
    "an empty list changes nothing": ({"a": [{"name": "x"}]}, {"a": []}, {"a": [{"name": "x"}]}),
    "a list that was not there": ({}, {"a": [{"name": "x"}]}, {"a": [{"name": "x"}]}),
}


@pytest.mark.parametrize(("base", "patch", "merged"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_a_patch_is_merged_as(base: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    assert merge(base, patch) == merged
    assert (base, patch) == before
