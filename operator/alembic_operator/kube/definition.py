"""Ask whether the CustomResourceDefinition is new enough: a status with an unknown field is refused whole."""

from alembic_operator.api.crd import crd
from alembic_operator.api.v1alpha1 import KIND
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.client import ApiServer
from alembic_operator.kube.cluster import MIGRATIONS

_ASKED = ("spec", "status")

_NESTED = ("items", "additionalProperties")


async def shortcoming(server: ApiServer) -> str:
    """Return what is wrong with the definition, in words; empty when this operator can work with it."""
    schemas = reading.fields(await server.openapi(MIGRATIONS), "components", "schemas")
    served = next((reading.fields(schemas, name) for name in schemas if name.endswith(f".{KIND}")), None)
    if served is None:
        return f"the CustomResourceDefinition of {KIND} is not installed"
    wanted = crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    missing = lacking({"properties": {name: wanted["properties"][name] for name in _ASKED}}, served)
    if not missing:
        return ""
    return (
        f"the CustomResourceDefinition of {KIND} is older than this operator: it lacks {', '.join(missing)};"
        " apply crds/databasemigrations.yaml of this release, or let its chart do it (crds.install)"
    )


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
