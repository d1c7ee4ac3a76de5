"""Write what was found to the migration: one status write, only if it differs, and Events."""

from datetime import UTC, datetime
from uuid import uuid4

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation import Manifest, Migration
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import EVENTS, MIGRATIONS, Cluster
from alembic_operator.kube.errors import ConflictError, NotFoundError

CONTROLLER = "alembic-operator.dev/operator"

_NOTE_BYTES = 1024
"""The API server refuses a longer note."""


async def report(migration: Migration, status: Status, cluster: Cluster, cache: Cache) -> set[Key]:
    """Write the status, unless it stands there already; return the migrations that depend on it."""
    key = Key(migration.namespace, migration.name)
    if status == migration.status:
        return set()
    written = status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    try:
        raw = await cluster.apply_status(MIGRATIONS, _body(migration, written))
    except (NotFoundError, ConflictError):  # deleted, or another one of the same name: its own event is on the way
        return set()
    return cache.put(MIGRATIONS, raw) - {key}


def _body(migration: Migration, status: Manifest) -> Manifest:
    """Return the manifest to apply; the uid keeps it from a successor of the same name."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": migration.name, "namespace": migration.namespace, "uid": migration.uid},
        "status": status,
    }


async def announce(migration: Migration, notice: Notice, instance: str, cluster: Cluster) -> None:
    """Make an Event on the migration."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    regarding = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "namespace": migration.namespace,
        "name": migration.name,
        "uid": migration.uid,
    }
    event: Manifest = {
        "apiVersion": EVENTS.api_version,
        "kind": "Event",
        "metadata": {"name": f"{migration.name}.{uuid4().hex[:16]}", "namespace": migration.namespace},
        "eventTime": now,
        "reportingController": CONTROLLER,
        "reportingInstance": instance,
        "action": "Migrate",
        "reason": str(notice.occasion),
        "regarding": regarding,
        "note": notice.note.encode()[:_NOTE_BYTES].decode(errors="ignore"),
        "type": "Warning" if notice.warning else "Normal",
    }
    await cluster.create(EVENTS, migration.namespace, event)
