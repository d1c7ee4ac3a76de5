"""The CustomResourceDefinition of DatabaseMigration, as the API server takes it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from pydantic.config import JsonDict

from alembic_operator.api.meta import rule
from alembic_operator.api.schema import Schema, schema
from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import GROUP, KIND, PLURAL, SHORT_NAME, VERSION, Spec

NAME_LENGTH = 52
"""A Job is called `<name>-<10 hex>`, and its name is a label's value: at most 63 characters."""

PRINTER_COLUMNS: tuple[dict[str, Any], ...] = (
    {
        "name": "Ready",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].status',
        "description": "Whether the database contains the target.",
    },
    {
        "name": "Reason",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].reason',
        "description": "Why, in one word.",
    },
    {
        "name": "Current",
        "type": "string",
        # Text of its own: a list is printed as JSON, and a path with [*] or [0] hides all heads but the first.
        "jsonPath": ".status.shown.current",
        "description": "Database heads, as read back; `base`: none.",
    },
    {
        "name": "Target",
        "type": "string",
        "jsonPath": ".status.shown.target",
        "description": "Script heads that the target names.",
        "priority": 1,
    },
    {
        "name": "Pending",
        "type": "string",
        "jsonPath": ".status.shown.pending",
        "description": "How many revisions are missing; `?`: that is unknown, such as while a run is under way.",
    },
    {
        "name": "Tenants",
        "type": "string",
        "jsonPath": ".status.tenants.shown",
        "description": "How many of all tenants contain the target, as `126/128`; empty without spec.tenants.",
    },
    {
        "name": "Held",
        "type": "integer",
        "jsonPath": ".status.heldPods",
        "description": "How many pods wait for a revision.",
    },
    {
        "name": "Age",
        "type": "date",
        "jsonPath": ".metadata.creationTimestamp",
        "description": "Time since the migration was made.",
    },
    {
        "name": "Message",
        "type": "string",
        "jsonPath": '.status.conditions[?(@.type=="Ready")].message',
        "description": "Why, with what to do next.",
        "priority": 1,
    },
)

METADATA: Schema = {
    "type": "object",
    "properties": {"name": {"description": f"At most {NAME_LENGTH} characters.", "type": "string"}},
}
"""Said so that a rule may blame the name; the API server allows nothing more here, not even a description."""

RULES = (
    rule(
        f"size(self.metadata.name) <= {NAME_LENGTH}",
        f"the names of Jobs are made from this one: use at most {NAME_LENGTH} characters",
        field=".metadata.name",
    ),
    rule(
        "!has(self.spec.dependsOn) || self.spec.dependsOn.all(other, other.name != self.metadata.name)",
        "a migration cannot wait for itself: remove its own name",
        field=".spec.dependsOn",
    ),
    rule(
        "!has(oldSelf.spec.database) || !has(oldSelf.spec.database.schema)"
        " || (has(self.spec.database) && has(self.spec.database.schema)"
        " && self.spec.database.schema == oldSelf.spec.database.schema)",
        "the tables would stay in the old schema: keep this value, or delete the migration, move the tables and"
        " make it anew",
        field=".spec.database.schema",
    ),
)
"""What concerns more than one part of the object."""


def crd() -> dict[str, Any]:
    """Return the whole manifest; deterministic, ready to be applied."""
    return definition(Names(KIND, PLURAL, SHORT_NAME), PRINTER_COLUMNS, root())


class Names(NamedTuple):
    """Those of one kind."""

    kind: str
    plural: str
    short: str


def definition(names: Names, columns: Sequence[dict[str, Any]], root: Schema) -> dict[str, Any]:
    """Return the manifest of one kind of the group."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{names.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": names.kind,
                "listKind": f"{names.kind}List",
                "plural": names.plural,
                "singular": names.kind.lower(),
                "shortNames": [names.short],
                "categories": ["alembic"],
            },
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [dict(column) for column in columns],
                    "schema": {"openAPIV3Schema": root},
                }
            ],
        },
    }


def root() -> Schema:
    """Return the schema of the whole object."""
    return whole(
        "A database that is migrated to what an application's own Alembic project says.",
        METADATA,
        {"kind": KIND, "spec": schema(Spec), "status": schema(Status)},
        RULES,
    )


def whole(description: str, metadata: Schema, parts: dict[str, Any], rules: Sequence[JsonDict]) -> Schema:
    """Return the schema of an object of `parts`: its kind, spec and status."""
    status = parts["status"]
    # What an object without a status says: "nobody looked at it yet", so that no tool takes a new object for ready.
    observed = status["properties"]["observedGeneration"]["default"]
    return {
        "description": description,
        "type": "object",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"description": f"{GROUP}/{VERSION}.", "type": "string"},
            "kind": {"description": f"{parts['kind']}.", "type": "string"},
            "metadata": metadata,
            "spec": parts["spec"],
            "status": status | {"default": {"observedGeneration": observed}},
        },
        "x-kubernetes-validations": list(rules),
    }
