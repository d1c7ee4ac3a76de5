"""Carry out the actions of a plan."""

from typing import assert_never

from alembic_operator.core.actions import Action, BringRunner, CreateJob, DeleteJob
from alembic_operator.core.observation import Manifest
from alembic_operator.kube.archive import Archive
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.cluster import JOBS, Cluster
from alembic_operator.kube.errors import AlreadyExistsError


async def apply(action: Action, namespace: str, cluster: Cluster, cache: Cache, archive: Archive) -> None:
    """Carry out one action, and let the cache know at once what came of it.

    Raises:
        RefusedError: the API server does not take the Job, or the runner.
    """
    match action:
        case BringRunner():
            await archive.bring(namespace, cluster)
        case CreateJob(manifest):
            cache.put(JOBS, await _create(manifest, namespace, cluster))
        case DeleteJob(name, uid):
            await cluster.delete(JOBS, namespace, name, uid)
        case _:
            assert_never(action)


async def _create(manifest: Manifest, namespace: str, cluster: Cluster) -> Manifest:
    name = manifest["metadata"]["name"]
    try:
        return await cluster.create(JOBS, namespace, manifest)
    except AlreadyExistsError:  # by this operator, before it was killed: the name says that it is the same Job
        existing = await cluster.get(JOBS, namespace, name)
        if existing is None:
            raise
        return existing
