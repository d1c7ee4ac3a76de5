import copy
from random import Random
from typing import Any

import pytest

from alembic_operator.core.manifests.merge import merge

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
    "spread constraints of another key behind them": (
        {"topologySpreadConstraints": [{"topologyKey": "zone"}]},
        {"topologySpreadConstraints": [{"topologyKey": "node"}]},
        {"topologySpreadConstraints": [{"topologyKey": "zone"}, {"topologyKey": "node"}]},
    ),
    "ports by their number": (
        {"ports": [{"containerPort": 80, "name": "web"}]},
        {"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}]},
        {"ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"}]},
    ),
    "two protocols of one port, which are not in the base": (
        {"ports": []},
        {"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]},
        {"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "TCP"}]},
    ),
    "aliases by their address": (
        {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["a"]}]},
        {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["b"]}]},
        {"hostAliases": [{"ip": "10.0.0.1", "hostnames": ["b"]}]},
    ),
    "words of a command instead of others": (
        {"command": ["python3", "runner.pyz"], "args": ["a", "b"]},
        {"command": ["sh", "-c"], "args": ["b"]},
        {"command": ["sh", "-c"], "args": ["b"]},
    ),
    "sources of variables instead of others": (
        {"envFrom": [{"secretRef": {"name": "a"}}]},
        {"envFrom": [{"secretRef": {"name": "b"}}]},
        {"envFrom": [{"secretRef": {"name": "b"}}]},
    ),
    "tolerations instead of others": (
        {"tolerations": [{"key": "a"}]},
        {"tolerations": [{"key": "b"}]},
        {"tolerations": [{"key": "b"}]},
    ),
    "rules instead of others": (
        {"podFailurePolicy": {"rules": [{"action": "Ignore"}]}},
        {"podFailurePolicy": {"rules": [{"action": "Count"}]}},
        {"podFailurePolicy": {"rules": [{"action": "Count"}]}},
    ),
    "a list of no known name instead of another, though its items have names": (
        {"a": [{"name": "x", "b": 1}]},
        {"a": [{"name": "x", "c": 1}]},
        {"a": [{"name": "x", "c": 1}]},
    ),
    "an empty list empties what is replaced, and nothing else": (
        {"args": ["a"], "env": [{"name": "A"}]},
        {"args": [], "env": []},
        {"args": [], "env": [{"name": "A"}]},
    ),
    "null removes a list": ({"env": [{"name": "A"}]}, {"env": None}, {}),
    "an item is deleted": (
        {"env": [{"name": "A"}, {"name": "B"}, {"name": "C"}]},
        {"env": [{"name": "B", "$patch": "delete"}, {"name": "D", "$patch": "delete"}, {"name": "C", "value": "1"}]},
        {"env": [{"name": "A"}, {"name": "C", "value": "1"}]},
    ),
    "an item is deleted, and another put in its place": (
        {"volumes": [{"name": "v", "emptyDir": {}}]},
        {"volumes": [{"name": "v", "$patch": "delete"}, {"name": "v", "secret": {"secretName": "s"}}]},
        {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
    ),
    "a list is replaced": (
        {"env": [{"name": "A"}]},
        {"env": [{"$patch": "replace"}, {"name": "B"}]},
        {"env": [{"name": "B"}]},
    ),
    "an object is replaced": ({"a": {"b": 1}}, {"a": {"c": 2, "$patch": "replace"}}, {"a": {"c": 2}}),
    "an object is emptied": ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
    "a directive that does not exist is left for the server to refuse": (
        {"a": {"b": 1}},
        {"a": {"$patch": "burn"}, "$retainKeys": ["a"]},
        {"a": {"b": 1, "$patch": "burn"}, "$retainKeys": ["a"]},
    ),
    "an item without its key is left for the server to refuse": (
        {"containers": [{"name": "migrate"}]},
        {"containers": [{"name": {}}, {"image": "x"}, "x", None]},
        {"containers": [{"name": "migrate"}, {"name": {}}, {"image": "x"}, "x", None]},
    ),
    "a list where there was none of that kind": (
        {"containers": {"name": "migrate"}},
        {"containers": [{"name": "x"}]},
        {"containers": [{"name": "x"}]},
    ),
    "a list that was not there": ({}, {"a": [{"name": "x"}]}, {"a": [{"name": "x"}]}),
}


@pytest.mark.parametrize(("base", "patch", "merged"), [pytest.param(*case, id=name) for name, case in CASES.items()])
def test_a_patch_is_merged_as(base: dict[str, Any], patch: dict[str, Any], merged: dict[str, Any]) -> None:
    before = copy.deepcopy((base, patch))
    assert merge(base, patch) == merged
    assert (base, patch) == before


NAMES = ("containers", "env", "name", "ports", "containerPort", "volumeMounts", "mountPath", "command", "$patch", "a")
LEAVES: tuple[Any, ...] = (None, True, 0, 1, -1.5, "", "x", "delete", "replace", "\ud800", {}, [])


def anything(random: Random, depth: int = 0) -> Any:
    kind = random.random()
    if depth > 4 or kind < 0.4:
        return copy.deepcopy(random.choice(LEAVES))
    some = [anything(random, depth + 1) for _ in range(random.randint(0, 4))]
    return some if kind < 0.65 else {random.choice(NAMES): one for one in some}


def test_whatever_json_can_say_is_merged() -> None:
    random = Random(8)
    for _ in range(500):
        base, patch = ({random.choice(NAMES): anything(random) for _ in range(3)} for _ in range(2))
        before = copy.deepcopy((base, patch))
        merge(base, patch)
        assert (base, patch) == before


def test_nothing_is_too_deep() -> None:
    deep: dict[str, Any] = {}
    for _ in range(900):
        deep = {"containers": [deep | {"name": "x"}]}
    assert merge(copy.copy(deep), deep)["containers"][0]["name"] == "x"


def test_many_items_take_no_longer_than_few_for_each() -> None:
    many = {"env": [{"name": f"A{number}", "value": "1"} for number in range(20_000)]}
    assert merge(many, many) == many
