"""Compare the schema that the API server serves with the one that this operator was built for."""

from alembic_operator.core import reading
from alembic_operator.core.observation import Manifest

_NESTED = ("items", "additionalProperties")


def lacking(wanted: Manifest, served: Manifest, path: str = "") -> list[str]:
    """Return the fields that the served schema does not know, each by its path; not those within one of them."""
    found, there = [], reading.fields(served, "properties")
    for name, schema in reading.fields(wanted, "properties").items():
        field = f"{path}.{name}".lstrip(".")
        found += lacking(schema, reading.fields(there, name), field) if name in there else [field]
    for key in _NESTED:
        if inner := reading.fields(wanted, key):
            found += lacking(inner, reading.fields(served, key), path)
    return found
