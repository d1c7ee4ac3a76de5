"""Write what was found to the migration: one status write, only if it differs."""

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core.observation import Manifest, Migration
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import MIGRATIONS, Cluster
from alembic_operator.kube.errors import ConflictError, NotFoundError


async def report(migration: Migration, status: Status, cluster: Cluster, cache: Cache) -> set[Key] | None:
    """Write the status, unless it stands there already; return who depends on it, or None when it is gone."""
    key = Key(migration.namespace, migration.name)
    if status == migration.status:
        return set()
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    try:
        raw = await cluster.apply_status(MIGRATIONS, _body(migration, written))
    except (NotFoundError, ConflictError):  # deleted, or another one of the same name: its own event is on the way
        return None
    return cache.put(MIGRATIONS, raw) - {key}


def _body(migration: Migration, status: Manifest) -> Manifest:
    """Return the manifest to apply; the uid keeps it from a successor of the same name."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": migration.name, "namespace": migration.namespace, "uid": migration.uid},
        "status": status,
    }
