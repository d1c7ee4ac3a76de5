"""Find out who set an annotation of a workload's pods, from what the API server remembers of every field."""

from collections.abc import Iterable

from alembic_operator.core.observation import reading
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cluster import JOBS, WORKLOADS, Cluster
from alembic_operator.kube.errors import ApiError

UNKNOWN = "somebody unknown"

_READABLE = WORKLOADS | {"Job": JOBS}
_NAMED = 4
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
    if reading.text(found, "metadata", "uid") != workload.uid:
        return UNKNOWN
    managers = _owners(reading.items(found, "metadata", "managedFields"), f"f:{annotation}")
    return ", ".join(managers[:_NAMED]) or UNKNOWN


def _owners(managed: Iterable[Manifest], field: str) -> list[str]:
    return [
        f"{reading.text(one, 'manager') or UNKNOWN} ({reading.text(one, 'operation')}, {reading.text(one, 'time')})"
        for one in managed
        if field in reading.fields(one, "fieldsV1", *_TO_ANNOTATIONS)
    ]
