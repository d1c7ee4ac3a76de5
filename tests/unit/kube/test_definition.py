"""Which fields a schema lacks."""

import copy
from typing import Any

import pytest

from alembic_operator.api.crd import crd
from alembic_operator.kube.definition import lacking

SCHEMA: dict[str, Any] = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
OLDER = {
    "a field": ("properties.status.properties.heldPods", "status.heldPods"),
    "a whole object, named once": ("properties.spec.properties.database", "spec.database"),
    "a field of a list's items": (
        "properties.status.properties.history.items.properties.outcome",
        "status.history.outcome",
    ),
}


@pytest.mark.parametrize(("removed", "named"), [pytest.param(*one, id=name) for name, one in OLDER.items()])
def test_an_older_schema_lacks(removed: str, named: str) -> None:
    older = copy.deepcopy(SCHEMA)
    *path, last = removed.split(".")
    parent = older
    for step in path:
        parent = parent[step]
    del parent[last]
    assert lacking(SCHEMA, older) == [named]


def test_the_same_schema_and_a_newer_one_lack_nothing() -> None:
    newer = copy.deepcopy(SCHEMA)
    newer["properties"]["status"]["properties"]["ofTomorrow"] = {"type": "string"}
    assert lacking(SCHEMA, SCHEMA) == lacking(SCHEMA, newer) == []
