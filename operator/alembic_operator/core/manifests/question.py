"""Build the Job that asks the runner one question about a migration, and that no operator takes for a run."""

from dataclasses import replace

from alembic_operator.api.v1alpha1 import GROUP, Spec
from alembic_operator.core import names
from alembic_operator.core.manifests import job
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.containers import named
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts

LABEL = f"{GROUP}/question"
"""On such a Job and its pod: the command."""

_SECONDS = 600
"""That such a Job stays when whoever asked does not remove it."""

_OF_INDEXES = ("completionMode", "completions", "parallelism", "maxFailedIndexes", "backoffLimitPerIndex")
"""Of a Job's spec: what spec.jobTemplate may say of a run over several servers."""

_OF_A_RUN = (names.MIGRATION_LABEL, names.RUN_LABEL, names.MANAGED_BY)


def build(command: str, migration: Migration, parts: PodParts, server: DatabaseServer | None) -> Manifest:
    """Return the Job: the same pod as that of a run, with another command, tried once.

    Raises:
        ValueError: the specification cannot be read, or spec.jobTemplate brings a command of its own, which might
            change the database.
    """
    if migration.spec is None:
        raise ValueError(migration.spec_error)
    pod = job.pod(migration.spec, parts, server, command)
    made = job.build(migration.name, 1, _of_one_pod(migration, migration.spec), pod)
    asked = named(reading.items(made, "spec", "template", "spec", "containers"), names.CONTAINER)
    if asked.get("command") != pod["containers"][0]["command"] or asked.get("args"):
        raise ValueError(
            f"spec.jobTemplate has a command of its own for the container {names.CONTAINER}, which might change the"
            " database"
        )
    template = made["spec"]["template"]
    labels = {name: value for name, value in _labels(template) if name not in _OF_A_RUN} | {LABEL: command}
    owner = {name: made["metadata"]["ownerReferences"][0][name] for name in ("apiVersion", "kind", "name", "uid")}
    return made | {
        "metadata": {
            "generateName": f"{migration.name}-{command}-",
            "namespace": migration.namespace,
            "labels": labels,
            "ownerReferences": [owner],  # no controller: removed with the migration, but none of its runs
        },
        "spec": {name: one for name, one in made["spec"].items() if name not in _OF_INDEXES}
        | {
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": _SECONDS,
            "template": template | {"metadata": template["metadata"] | {"labels": labels}},
        },
    }


def _of_one_pod(migration: Migration, spec: Spec) -> Migration:
    """Return the migration as of one server: the one pod that is asked goes to all of them."""
    tenants = spec.tenants and spec.tenants.model_copy(update={"servers": ()})
    return replace(migration, spec=spec.model_copy(update={"tenants": tenants}))


def _labels(template: Manifest) -> list[tuple[str, str]]:
    return list((template["metadata"].get("labels") or {}).items())
