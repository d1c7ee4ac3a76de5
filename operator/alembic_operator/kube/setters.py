"""Find out who set an annotation of a workload's pods, from what the API server remembers of every field."""

from collections.abc import Iterable
from typing import Any

from alembic_operator.core.observation import Manifest, Owner
from alembic_operator.kube.cluster import JOBS, WORKLOADS, Cluster
from alembic_operator.kube.errors import ApiError

UNKNOWN = "somebody unknown"

_READABLE = WORKLOADS | {"Job": JOBS}
_TO_ANNOTATIONS = ("f:spec", "f:template", "f:metadata", "f:annotations")


async def who(cluster: Cluster, namespace: str, workload: Owner, annotation: str) -> str:
    """Return the field managers that own the annotation in the pod template, with their times."""
    resource = _READABLE.get(workload.kind)
    if resource is None:
        return UNKNOWN
    try:
        found = await cluster.get_metadata(resource, namespace, workload.name) or {}
    except ApiError:
        return UNKNOWN
    metadata: Manifest = found.get("metadata") or {}
    if metadata.get("uid") != workload.uid:
        return UNKNOWN
    return ", ".join(_owners(metadata.get("managedFields") or (), f"f:{annotation}")) or UNKNOWN


def _owners(managed: Iterable[Manifest], field: str) -> list[str]:
    return [
        f"{one.get('manager') or UNKNOWN} ({one.get('operation')}, {one.get('time')})"
        for one in managed
        if field in _annotations(one.get("fieldsV1") or {})
    ]


def _annotations(fields: Any) -> Any:
    for step in _TO_ANNOTATIONS:
        fields = fields.get(step) or {}
    return fields
