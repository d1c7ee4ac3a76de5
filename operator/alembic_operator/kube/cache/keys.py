"""Name objects and the migrations that they belong to."""

import sys
from dataclasses import dataclass
from typing import NamedTuple

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest, fields, items, text
from alembic_operator.kube.cluster import STATEFUL_SETS, WORKLOADS, Resource


class Key(NamedTuple):
    """One DatabaseMigration."""

    namespace: str
    name: str


@dataclass(frozen=True)
class ImportKey:
    """One DatabaseImport; never equal to the Key of a migration of the same name."""

    namespace: str
    name: str


class Reference(NamedTuple):
    """An object of the API server."""

    resource: Resource
    namespace: str
    name: str


def reference(resource: Resource, raw: Manifest) -> Reference:
    """Return the reference to an object."""
    return Reference(resource, sys.intern(text(raw, "metadata", "namespace")), text(raw, "metadata", "name"))


def references(key: Key, spec: Manifest) -> list[Reference]:
    """Return what a specification refers to: its workload, and its database's StatefulSet."""
    found = []
    workload = fields(spec, "source", "workloadRef")
    kind = text(workload, "kind") or "Deployment"
    if workload and kind in WORKLOADS:
        found.append(workload_reference(key, kind, text(workload, "name")))
    if server := fields(spec, "database", "statefulSetRef"):
        found.append(Reference(STATEFUL_SETS, key.namespace, text(server, "name")))
    return found


def depends_on(spec: Manifest) -> tuple[str, ...]:
    """Return the names of the migrations that must be Ready first."""
    return tuple(sys.intern(text(one, "name")) for one in items(spec, "dependsOn"))


def workload_reference(key: Key, kind: str, name: str) -> Reference:
    """Return the reference of a workload in a migration's namespace."""
    return Reference(WORKLOADS[kind], key.namespace, name)


def migration_of(raw: Manifest) -> Key:
    """Return the migration that a Job runs, or a pod runs or waits for, by its label."""
    labels = fields(raw, "metadata", "labels")
    name = text(labels, names.RUN_LABEL) or text(labels, names.MIGRATION_LABEL)
    return Key(sys.intern(text(raw, "metadata", "namespace")), sys.intern(name))
