"""Find what a migration pod takes over, and where its database is, as the operator does."""

from alembic_operator.api.v1alpha1 import WorkloadRef
from alembic_operator.core import names
from alembic_operator.core.observation import source
from alembic_operator.core.observation.database_servers import DatabaseServer, read_database_server
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.source import Missing, PodParts
from alembic_operator.kubectl.commands.call import Call
from alembic_operator.kubectl.facts import KubectlError

_KINDS = {"Deployment": "deployments.apps", "StatefulSet": "statefulsets.apps", "Rollout": "rollouts.argoproj.io"}


def source_of(call: Call, migration: Migration) -> PodParts:
    """Return what the pod of a migration takes over.

    Raises:
        KubectlError: something that it names is not there.
    """
    at = f"--namespace={migration.namespace}"
    if call.found("configmap", names.RUNNER_CONFIG_MAP, at) is None:
        raise KubectlError(
            f"namespace {migration.namespace} has no ConfigMap {names.RUNNER_CONFIG_MAP}: no operator serves it;"
            f" `kubectl alembic status {migration.name}` tells more"
        )
    found = _source(call, migration, at)
    if isinstance(found, Missing):
        raise _missing(found)
    return found


def _source(call: Call, migration: Migration, at: str) -> PodParts | Missing:
    if migration.spec is None:
        return Missing(migration.spec_error)
    wanted = migration.spec.source
    if wanted.image:
        return source.of_image(wanted.image)
    if wanted.workload_ref:
        return _of_workload(call, wanted.workload_ref, at)
    name = wanted.config_map_ref.name if wanted.config_map_ref else ""
    image = migration.status.image
    if not image:
        return Missing(f"the image for ConfigMap {name} is known after the first run", "wait for it")
    return source.of_config_map(name, call.found("configmap", name, at), migration.spec.alembic.config, image)


def _of_workload(call: Call, one: WorkloadRef, at: str) -> PodParts | Missing:
    raw = call.found(_KINDS[one.kind], one.name, at)
    return source.of_workload(one.kind, one.name, source.containers(raw) if raw else None, one.container)


def server_of(call: Call, migration: Migration) -> DatabaseServer | None:
    """Return the server that spec.database.statefulSetRef names; None without it.

    Raises:
        KubectlError: it is not there, or cannot be read.
    """
    database = migration.spec.database if migration.spec else None
    if database is None or database.stateful_set_ref is None:
        return None
    name = database.stateful_set_ref.name
    raw = call.found("statefulsets.apps", name, f"--namespace={migration.namespace}")
    missing = Missing(f"StatefulSet {name} does not exist", "create it, or correct spec.database.statefulSetRef")
    found = read_database_server(raw) if raw else missing
    if isinstance(found, Missing):
        raise _missing(found)
    return found


def _missing(one: Missing) -> KubectlError:
    return KubectlError("; ".join(filter(None, (one.what, one.advice))))
