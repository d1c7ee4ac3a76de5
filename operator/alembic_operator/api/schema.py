"""Turn a Pydantic model into the structural OpenAPI v3 schema that a CustomResourceDefinition needs."""

from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]

_REFERENCE = "#/$defs/"
_PRESERVE = "x-kubernetes-preserve-unknown-fields"
_EITHER = "x-kubernetes-int-or-string"
_DROPPED = frozenset({"title", "$defs"})
_ORDER = (
    "description",
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "default",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    _PRESERVE,
    _EITHER,
    "x-kubernetes-validations",
)
"""Every keyword that is known to mean the same to Pydantic and to the API server, in the order of the printed CRD."""


def schema(model: type[BaseModel]) -> Schema:
    """Return the model's schema: no references, titles or null.

    Raises:
        ValueError: the model uses a keyword that a structural schema does not have.
    """
    raw = model.model_json_schema(by_alias=True)
    return _node(raw, raw.get("$defs", {}))


def _node(raw: Schema, definitions: dict[str, Schema]) -> Schema:
    node = {key: value for key, value in _flat(raw, definitions).items() if key not in _DROPPED}
    if unknown := node.keys() - set(_ORDER):
        raise ValueError(f"a structural schema has no {', '.join(sorted(unknown))}: {raw}")
    if "description" in node:
        node["description"] = " ".join(node["description"].split())
    if "items" in node:
        node["items"] = _node(node["items"], definitions)
    if "properties" in node:
        node["properties"] = {name: _node(one, definitions) for name, one in node["properties"].items()}
    _open_or_closed(node, definitions)
    _default(node)
    return {key: node[key] for key in _ORDER if key in node}


def _flat(raw: Schema, definitions: dict[str, Schema]) -> Schema:
    """Follow references and take `X | None` for X; what stands beside them wins."""
    if "$ref" in raw:
        beside = {key: value for key, value in raw.items() if key != "$ref"}
        return _flat(definitions[raw["$ref"].removeprefix(_REFERENCE)], definitions) | beside
    if "anyOf" in raw:
        beside = {key: value for key, value in raw.items() if key != "anyOf"}
        (given,) = (one for one in raw["anyOf"] if one != {"type": "null"})
        return _flat(given, definitions) | beside
    return raw


def _open_or_closed(node: Schema, definitions: dict[str, Schema]) -> None:
    """Keep additionalProperties only for a map with typed values: structural schemas know nothing else."""
    values = node.pop("additionalProperties", None)
    if isinstance(values, dict) and "properties" not in node and _PRESERVE not in node:
        node["additionalProperties"] = _node(values, definitions)


def _default(node: Schema) -> None:
    """Keep a default that says something; of an object, only what its fields do not say themselves."""
    default = node.pop("default", None)
    if isinstance(default, dict):
        fields = node.get("properties", {})
        said = {key: value for key, value in default.items() if value not in (None, [], {})}
        node["default"] = {key: value for key, value in said.items() if value != fields[key].get("default")}
    elif default is not None and default != []:
        node["default"] = default
