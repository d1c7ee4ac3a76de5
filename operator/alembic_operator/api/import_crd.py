"""The CustomResourceDefinition of DatabaseImport, as the API server takes it."""

from typing import Any

from alembic_operator.api import crd
from alembic_operator.api.imports import KIND, PLURAL, SHORT_NAME, ImportSpec, ImportStatus
from alembic_operator.api.meta import rule
from alembic_operator.api.schema import Schema, schema

NAME_LENGTH = 45
"""A Job is called `<name>-import-<10 hex>`, and its name is a label's value: at most 63 characters."""

PRINTER_COLUMNS: tuple[dict[str, Any], ...] = (
    {**crd.PRINTER_COLUMNS[0], "description": "Whether all is imported, and equal."},
    crd.PRINTER_COLUMNS[1],
    {
        "name": "Migration",
        "type": "string",
        "jsonPath": ".spec.migrationRef.name",
        "description": "Whose database is filled.",
    },
    {
        "name": "Tables",
        "type": "integer",
        "jsonPath": ".status.tables",
        "description": "How many were imported.",
    },
    {"name": "Rows", "type": "integer", "jsonPath": ".status.rows", "description": "How many rows were imported."},
    {
        "name": "Findings",
        "type": "integer",
        "jsonPath": ".status.findingsTotal",
        "description": "How many things stand in the way, or were told.",
    },
    {
        "name": "Age",
        "type": "date",
        "jsonPath": ".metadata.creationTimestamp",
        "description": "Time since the import was made.",
    },
    crd.PRINTER_COLUMNS[-1],
)

RULES = (
    rule(
        f"size(self.metadata.name) <= {NAME_LENGTH}",
        f"the names of Jobs are made from this one: use at most {NAME_LENGTH} characters",
        field=".metadata.name",
    ),
)


def import_crd() -> dict[str, Any]:
    """Return the whole manifest; deterministic, ready to be applied."""
    return crd.definition(crd.Names(KIND, PLURAL, SHORT_NAME), PRINTER_COLUMNS, root())


def root() -> Schema:
    """Return the schema of the whole object."""
    about = f"At most {NAME_LENGTH} characters."
    return crd.whole(
        "An import into the database of a DatabaseMigration, which runs once.",
        {"type": "object", "properties": {"name": {"description": about, "type": "string"}}},
        {"kind": KIND, "spec": schema(ImportSpec), "status": schema(ImportStatus)},
        RULES,
    )
