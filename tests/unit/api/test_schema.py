import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import yaml
from pydantic import BaseModel, ConfigDict, Field

from alembic_operator.api import import_crd
from alembic_operator.api.crd import PRINTER_COLUMNS, crd, root
from alembic_operator.api.schema import schema
from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import Spec

LIST_KEYS = "x-kubernetes-list-map-keys"
OF_THE_SERVER = ("apiVersion", "kind", "metadata", "metadata.name")
"""The API server limits and describes these itself."""


def walk(path: str, node: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if path not in OF_THE_SERVER:
        yield path, node
    for name, child in node.get("properties", {}).items():
        yield from walk(f"{path}.{name}".lstrip("."), child)
    for key in ("items", "additionalProperties"):
        if key in node:
            yield from walk(f"{path}[]", node[key])


OF_IMPORTS = "(DatabaseImport) "
NODES = {**dict(walk("", root())), **{f"{OF_IMPORTS}{path}": node for path, node in walk("", import_crd.root())}}
TYPES = {"object", "array", "string", "integer", "number", "boolean"}


def kind(node: dict[str, Any]) -> str:
    """Return the type; a number or a text has the limits of a text."""
    return "string" if node.get("x-kubernetes-int-or-string") else str(node["type"])


def test_every_part_of_the_schema_has_a_type_and_a_description_in_one_paragraph() -> None:
    assert {kind(node) for node in NODES.values()} <= TYPES
    assert [path for path, node in NODES.items() if not re.fullmatch(r".+[.`]", node["description"])] == []


def test_every_string_has_a_limit() -> None:
    strings = {path: node for path, node in NODES.items() if kind(node) == "string"}
    assert [path for path, node in strings.items() if not {"maxLength", "enum"} & node.keys()] == []


def test_every_list_has_a_limit_and_says_how_it_is_merged() -> None:
    lists = {path: node for path, node in NODES.items() if kind(node) == "array"}
    assert [path for path, node in lists.items() if "maxItems" not in node] == []
    assert {node["x-kubernetes-list-type"] for node in lists.values()} == {"atomic", "map"}


def test_every_key_of_a_list_is_required() -> None:
    keys = [(node["items"], node["x-kubernetes-list-map-keys"]) for node in NODES.values() if LIST_KEYS in node]
    assert len(keys) == 6
    assert all(set(names) <= set(items["required"]) for items, names in keys)


def test_kustomize_follows_the_name_of_every_secret() -> None:
    file = Path(__file__).parents[3] / "kustomize/names/references.yaml"
    (followed,) = [
        one["fieldSpecs"] for one in yaml.safe_load(file.read_text())["nameReference"] if one["kind"] == "Secret"
    ]
    keys = [path for path, node in NODES.items() if path.endswith("From") and "key" in node.get("properties", {})]
    assert {one["path"] for one in followed} == {f"{one.replace('[]', '').replace('.', '/')}/name" for one in keys}


def test_the_schema_is_structural() -> None:
    foreign = {"$ref", "anyOf", "allOf", "oneOf", "not", "title", "$defs", "const"}
    assert [path for path, node in NODES.items() if foreign & node.keys()] == []
    assert [path for path, node in NODES.items() if {"properties", "additionalProperties"} <= node.keys()] == []
    assert [path for path, node in NODES.items() if node.get("default", 0) is None] == []


def test_only_the_job_template_keeps_what_the_schema_does_not_know() -> None:
    keeping = [path for path, node in NODES.items() if node.get("x-kubernetes-preserve-unknown-fields")]
    assert keeping == ["spec.jobTemplate", f"{OF_IMPORTS}spec.jobTemplate"]


def defaulted(node: dict[str, Any], value: Any) -> Any:
    """Do what the API server does with the defaults of a schema."""
    if not isinstance(value, dict):
        return value
    fields = node.get("properties", {})
    absent = {name: child["default"] for name, child in fields.items() if "default" in child and name not in value}
    return {name: defaulted(fields.get(name, {}), one) for name, one in {**value, **absent}.items()}


def without_nothing(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nothing(one) for key, one in value.items() if one not in (None, (), [])}


@pytest.mark.parametrize(
    "given",
    [
        {"source": {"image": "registry/users:1.4"}},
        {"source": {"workloadRef": {"name": "users"}}, "policy": {"deadline": "2h"}, "alembic": {"target": "head"}},
    ],
)
def test_the_api_server_and_the_model_fill_in_the_same_defaults(given: dict[str, Any]) -> None:
    model = Spec.model_validate(given).model_dump(by_alias=True)
    assert defaulted(schema(Spec), given) == without_nothing(model)


def test_an_object_without_a_status_says_that_nobody_looked_at_it() -> None:
    assert root()["properties"]["status"]["default"] == {"observedGeneration": -1}
    assert Status().observed_generation == -1


def test_the_manifest_is_the_same_every_time_and_shares_nothing() -> None:
    first, second = crd(), crd()
    assert first == second
    first["spec"]["versions"][0]["additionalPrinterColumns"][0]["name"] = "Other"
    assert PRINTER_COLUMNS[0]["name"] == "Ready"


class Inner(BaseModel):
    """An inner
    object."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    port: int = 5432
    """Its
    port."""
    names: tuple[str, ...] = ()
    """Its names."""


class Outer(BaseModel):
    """An object."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    plain: Inner
    inherited: Inner = Inner()
    changed: Inner | None = Inner(port=1)
    """Its own text."""
    limits: Annotated[dict[str, int] | None, Field(max_length=3)] = None
    """A map."""


def test_a_reference_is_replaced_by_what_it_names_in_one_paragraph() -> None:
    assert schema(Outer)["properties"]["plain"] == {
        "description": "An inner object.",
        "type": "object",
        "properties": {
            "port": {"description": "Its port.", "type": "integer", "default": 5432},
            "names": {"description": "Its names.", "type": "array", "items": {"type": "string"}},
        },
    }


def test_the_default_of_an_object_holds_only_what_its_fields_do_not_say() -> None:
    fields = schema(Outer)["properties"]
    assert "default" not in fields["plain"]
    assert fields["inherited"]["default"] == {}
    assert fields["changed"]["default"] == {"port": 1}


def test_an_optional_field_has_its_own_text_and_no_null() -> None:
    assert schema(Outer)["properties"]["changed"]["description"] == "Its own text."
    assert schema(Outer)["required"] == ["plain"]


def test_a_map_keeps_the_schema_of_its_values() -> None:
    limits = schema(Outer)["properties"]["limits"]
    assert limits["additionalProperties"] == {"type": "integer"}


def test_a_keyword_that_the_api_server_does_not_know_is_refused() -> None:
    class Odd(BaseModel):
        even: Annotated[int, Field(multiple_of=2)]

    with pytest.raises(ValueError, match="multipleOf"):
        schema(Odd)


def test_a_choice_of_two_types_is_refused() -> None:
    class Choice(BaseModel):
        either: int | str

    with pytest.raises(ValueError, match="unpack"):
        schema(Choice)
