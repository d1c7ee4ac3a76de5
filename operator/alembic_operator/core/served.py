"""Compare the schema that the API server serves with the one that this operator was built for."""

from alembic_operator.core.observation import Manifest

_NESTED = ("items", "additionalProperties")


def lacking(wanted: Manifest, served: Manifest, path: str = "") -> list[str]:
    """Return the fields that the served schema does not know, each by its path; not those within one of them."""
    there = served.get("properties") or {}
    found = []
    for name, schema in (wanted.get("properties") or {}).items():
        field = f"{path}.{name}".lstrip(".")
        found += lacking(schema, there[name], field) if name in there else [field]
    for key in _NESTED:
        if isinstance(wanted.get(key), dict):
            found += lacking(wanted[key], served.get(key) or {}, path)
    return found
