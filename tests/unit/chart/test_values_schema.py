"""The values schema covers exactly what values.yaml offers, and explains each of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

CHART = Path(__file__).parents[3] / "charts" / "alembic-operator"
SCHEMA: dict[str, Any] = json.loads((CHART / "values.schema.json").read_text())
VALUES: dict[str, Any] = yaml.safe_load((CHART / "values.yaml").read_text())
FREE_FORM = {"affinity", "global", "extraObjects[]", "tolerations[]", "resources.claims[]"}
"""What Kubernetes, Helm or the reader defines, and not this chart."""


def objects(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    if schema.get("type") == "object":
        yield path, schema
    if "items" in schema:
        yield from objects(schema["items"], f"{path}[]")
    for name, child in schema.get("properties", {}).items():
        yield from objects(child, f"{path}.{name}".lstrip("."))


def fields(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for parent, each in objects(schema, path):
        for name, child in each.get("properties", {}).items():
            yield f"{parent}.{name}".lstrip("."), child


def leaves(values: dict[str, Any], path: str = "") -> Iterator[str]:
    for name, value in values.items():
        here = f"{path}.{name}".lstrip(".")
        yield here
        if isinstance(value, dict):
            yield from leaves(value, here)


@pytest.mark.parametrize(("path", "schema"), [pytest.param(*each, id=each[0] or "root") for each in objects(SCHEMA)])
def test_every_object_of_the_chart_refuses_unknown_keys(path: str, schema: dict[str, Any]) -> None:
    assert path in FREE_FORM or schema.get("additionalProperties") is False


@pytest.mark.parametrize(("path", "schema"), [pytest.param(*each, id=each[0]) for each in fields(SCHEMA)])
def test_every_value_is_described(path: str, schema: dict[str, Any]) -> None:
    assert schema.get("description", "").endswith("."), path


def test_values_yaml_names_every_value_that_the_schema_knows() -> None:
    known = {path for path, _ in fields(SCHEMA) if "[]" not in path}
    assert known - set(leaves(VALUES)) == {"global", "resources.claims"}


def test_the_chart_and_the_package_have_one_version() -> None:
    package = (CHART.parents[1] / "pyproject.toml").read_text()
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert f'version = "{chart["appVersion"]}"' in package


def test_the_gate_for_other_charts_has_the_version_of_the_operator_that_serves_it() -> None:
    operator, gate = (
        yaml.safe_load((CHART.parent / name / "Chart.yaml").read_text()) for name in (CHART.name, "alembic-gate")
    )
    assert (gate["type"], gate["appVersion"]) == ("library", operator["appVersion"])
