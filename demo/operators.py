"""Let several releases of the chart live on one cluster, of which they share the CustomResourceDefinitions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from demo.access import NAMESPACE

if TYPE_CHECKING:
    from demo.access import Access

CRDS = ("databasemigrations.alembic-operator.dev", "databaseimports.alembic-operator.dev")
OWNER = "meta.helm.sh/release-name"
OPERATORS = "app.kubernetes.io/name=alembic-operator"
OPERATOR = "alembic-operator"
"""Name of the demo's Helm release, its namespace and its Deployment."""


def release_of(namespace: str) -> str:
    """Name the Helm release that serves a namespace; its own namespace and its Deployment are called the same."""
    return OPERATOR if namespace == NAMESPACE else f"{OPERATOR}-{namespace}"


def crd_arguments(cluster: Access, name: str) -> tuple[str, ...]:
    """Bring the CustomResourceDefinitions with this release, unless another one that is installed has brought them."""
    found = cluster.kubectl("get", "crd", *CRDS, "--ignore-not-found", "--output=json").strip()
    there = json.loads(found)["items"] if found else []
    owners = {one["metadata"].get("annotations", {}).get(OWNER, "") for one in there}
    brought = len(there) == len(CRDS) and owners <= _others(cluster, name)
    return ("--set=crds.install=false",) if brought else ("--take-ownership",)


def remove_unused_crd(cluster: Access, name: str) -> bool:
    """Remove the CustomResourceDefinitions when no release is left but the one of that name; tell whether it was so."""
    if _others(cluster, name):
        return False
    cluster.kubectl("delete", "crd", *CRDS, "--ignore-not-found", "--timeout=60s")
    return True


def _others(cluster: Access, name: str) -> set[str]:
    """List the other releases that are installed."""
    found = cluster.kubectl("get", "deployments", "--all-namespaces", f"--selector={OPERATORS}", "--output=json")
    releases = {one["metadata"]["labels"].get("app.kubernetes.io/instance", "") for one in json.loads(found)["items"]}
    return releases - {name}
