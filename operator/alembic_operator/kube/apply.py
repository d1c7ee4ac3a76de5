"""Carry out the actions of a plan."""

from typing import assert_never

from alembic_operator.core import names
from alembic_operator.core.actions import Action, BringRunner, CreateJob, DeleteJob
from alembic_operator.core.observation.jobs import read_job
from alembic_operator.core.observation.owners import controller
from alembic_operator.core.observation.reading import Manifest, fields
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.cluster import JOBS, Cluster
from alembic_operator.kube.errors import AlreadyExistsError, AnotherJobError
from alembic_operator.kube.runner_config_map import RunnerConfigMap


async def apply(
    action: Action, namespace: str, cluster: Cluster, cache: Cache, runner_config_map: RunnerConfigMap
) -> None:
    """Carry out one action, and let the cache know at once what came of it.

    Raises:
        RefusedError: the API server does not take the Job, or the runner.
        AnotherJobError: the name of the Job is taken.
    """
    match action:
        case BringRunner():
            await runner_config_map.bring(namespace, cluster)
        case CreateJob(manifest):
            stored = await _create(manifest, namespace, cluster)
            cache.put(JOBS, stored)
            if (found := read_job(stored)).deleting:
                raise AnotherJobError(found)
        case DeleteJob(name, uid):
            await cluster.delete(JOBS, namespace, name, uid)
        case _:
            assert_never(action)


async def _create(manifest: Manifest, namespace: str, cluster: Cluster) -> Manifest:
    name = manifest["metadata"]["name"]
    try:
        return await cluster.create(JOBS, namespace, manifest)
    except AlreadyExistsError:
        existing = await cluster.get(JOBS, namespace, name)
        if existing is None:
            raise
        if not _is_the_same(existing, manifest):
            raise AnotherJobError(read_job(existing)) from None
        return existing


def _is_the_same(existing: Manifest, wanted: Manifest) -> bool:
    """Return whether this operator made it before it was killed: it has the labels and the owner that it would have."""
    (owner,) = wanted["metadata"]["ownerReferences"]
    ours, theirs = wanted["metadata"]["labels"], fields(existing, "metadata", "labels")
    watched = (names.MANAGED_BY, names.RUN_LABEL)
    return controller(existing).get("uid") == owner["uid"] and all(
        theirs.get(label) == ours[label] for label in watched
    )
