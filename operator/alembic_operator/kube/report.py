"""Write what was found to the migration: one status write, only if it differs."""

from dataclasses import replace

from alembic_operator.api.status import Status
from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.core.observation.migrations import Migration, asks_for_more, read_status
from alembic_operator.core.observation.reading import Manifest, fields, text
from alembic_operator.kube.cache import Cache, Key
from alembic_operator.kube.cluster import MIGRATIONS, Cluster
from alembic_operator.kube.errors import ConflictError, NotFoundError


async def report(
    migration: Migration, status: Status, cluster: Cluster, cache: Cache, *, for_sure: bool = False
) -> set[Key] | None:
    """Write the status; return who must look again, or None when the migration is gone.

    Those are who depends on it, and the migration itself when the answer has a specification that nobody has decided
    about yet: it is known by this answer, so that its watch, which tells of it later, tells nothing new.

    A status that stands there already is written `for_sure` only: it changes nothing, and tells whether it is there.
    """
    key = Key(migration.namespace, migration.name)
    if status == migration.status and not for_sure:
        return set()
    # An apply leaves what others wrote and it does not name: images that nobody has seen would stay known.
    written = {"knownImages": []} | status.model_dump(
        mode="json", by_alias=True, exclude_none=True, exclude_defaults=True
    )
    try:
        raw = await cluster.apply_status(MIGRATIONS, _body(migration, written))
        if (uid := text(raw, "metadata", "uid")) != migration.uid:
            # The API server takes a status whatever the uid. A successor must not begin with what another one did.
            await cluster.apply_status(MIGRATIONS, _body(replace(migration, uid=uid), {}))
            return None
        if read_status(raw) != status and (left := without(fields(raw, "status"), written)):
            raw = await cluster.merge_status(MIGRATIONS, _body(migration, left))
    except NotFoundError:  # a deletion that was not told yet, or is never told
        cache.lose(key)
        return None
    except ConflictError:  # another one of the same name: its own event is on the way
        return None
    woken = cache.put(MIGRATIONS, raw)
    return woken if asks_for_more(raw, migration) else woken - {key}


def without(there: Manifest, wanted: Manifest) -> Manifest:
    """Return the JSON merge patch that takes from an object what is not wanted; lists are taken as they are wanted."""
    patch: Manifest = {}
    for name, value in there.items():
        if name not in wanted:
            patch[name] = None
        elif isinstance(value, dict) and isinstance(wanted[name], dict):
            patch |= {name: inner} if (inner := without(value, wanted[name])) else {}
        elif value != wanted[name]:
            patch[name] = wanted[name]
    return patch


def _body(migration: Migration, status: Manifest) -> Manifest:
    """Return the manifest to send; its uid says whose status it is, which only the caller compares."""
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": migration.name, "namespace": migration.namespace, "uid": migration.uid},
        "status": status,
    }
