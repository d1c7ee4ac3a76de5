"""Build the Job of an import: copy the file, upgrade the copy in the application's image, load and verify it."""

from collections.abc import Collection
from typing import Any

from alembic_operator.api.imports import KIND, ImportSpec
from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import seconds
from alembic_operator.contract.imports import SECOND
from alembic_operator.core import names
from alembic_operator.core.imports.observation import Ground, Import
from alembic_operator.core.manifests import job
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts

_PLACE, _SOURCE = "/alembic-import", "/alembic-source"
_PREFERRED = "preferredDuringSchedulingIgnoredDuringExecution"
_BACKOFF_LIMIT = 3
_NOT_THE_RUN = {"ttl_seconds_after_finished", "cutover"}
"""A change of these makes no other Job."""
_WORDS = {"Stop": "stop", "Quarantine": "quarantine", "SetNull": "set-null", "Full": "full", "Counts": "counts"}


def name_of(asked: Import, spec: ImportSpec, ground: Ground, run: tuple[tuple[str, ...], str]) -> str:
    """Return the one name that the Job of these inputs can have: creating it twice is harmless.

    `run` is the target, and which pass it is.
    """
    target, turn = run
    source = ground.source if isinstance(ground.source, PodParts) else PodParts({}, {})
    matters: dict[str, Any] = {
        "uid": asked.uid,
        "retry": asked.retry,
        "spec": spec.model_dump(mode="json", by_alias=True, exclude_defaults=True, exclude=_NOT_THE_RUN),
        "target": target,
        "container": source.container,
        "pod": source.pod,
        "server": [ground.server.host, ground.server.port] if isinstance(ground.server, DatabaseServer) else None,
    }
    if turn:
        matters["turn"] = turn
    return f"{asked.name}-import-{names.digest(matters)[: names.DIGITS]}"


def build(name: str, attempt: int, asked: Import, pod: Manifest, spec: ImportSpec) -> Manifest:
    """Return the Job around a pod; spec.jobTemplate is merged last, but cannot rename or disown it."""
    template = spec.job_template or {}
    labels = {names.MANAGED_BY: names.OPERATOR, names.IMPORT_LABEL: asked.name}
    made: Manifest = {
        "metadata": {"labels": labels, "annotations": {}},
        "spec": {
            "backoffLimit": _BACKOFF_LIMIT,
            "activeDeadlineSeconds": max(1, int(seconds(spec.deadline))),
            "ttlSecondsAfterFinished": spec.ttl_seconds_after_finished,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {"rules": job.failure_rules("FailJob")},
            "template": {"metadata": {"labels": labels, "annotations": {}}, "spec": job.beside(pod, template)},
        },
    }
    fixed: Manifest = {
        "metadata": {"labels": labels, "annotations": {names.ATTEMPT: str(attempt)}},
        "spec": {"template": {"metadata": {"labels": labels}}},
    }
    owned = {"namespace": asked.namespace, "ownerReferences": [job.owner(KIND, asked.name, asked.uid)]}
    return job.templated(made, template, fixed, {"name": name, **owned})


def pod(asked: Import, spec: ImportSpec, ground: Ground, run: tuple[tuple[str, ...], str], image: str) -> Manifest:
    """Return the pod: two containers of the operator's own image, and between them one of the application's."""
    target, turn = run
    parts, migration = ground.source, ground.migration.spec
    if not isinstance(parts, PodParts) or migration is None:
        raise ValueError(f"{asked.name}: a Job needs a source")
    server = ground.server if isinstance(ground.server, DatabaseServer) else None
    ours = {
        "image": image,
        "env": [*job.environment(migration.database, server), {"name": "TMPDIR", "value": _PLACE}],
        "securityContext": job.restricted(parts.container.get("securityContext") or {}),
    }
    place = {"name": "alembic-import", "mountPath": _PLACE}
    source = {"name": "alembic-source", "mountPath": _SOURCE, "readOnly": True}
    claim = {"claimName": spec.from_.sqlite.volume.persistent_volume_claim.claim_name}
    command = [*_command(asked, spec, migration), *([f"--pass={turn}"] if turn else [])]
    # The last step of a second pass sees by the file whether somebody has written to it meanwhile.
    load = [place, source] if turn == SECOND else [place]
    return job.pod_beside(parts.pod) | {
        "initContainers": [
            ours | {"name": names.COPY, "command": _step(names.COPY, command), "volumeMounts": [source, place]},
            _upgrade(spec, migration, parts, target) | {"volumeMounts": [*_mounts(parts), place]},
        ],
        "containers": [
            ours | {"name": names.LOAD, "command": _step(names.LOAD, command), "volumeMounts": load},
        ],
        "volumes": [
            *(parts.pod.get("volumes") or ()),
            {"name": "alembic-import", "emptyDir": {}},
            {"name": "alembic-source", "persistentVolumeClaim": claim},
        ],
    }


def near(pod: Manifest, nodes: Collection[str]) -> Manifest:
    """Return a pod that goes, if it can, to the node on which others have its volume."""
    if len(nodes) != 1:
        return pod
    there = {"key": "metadata.name", "operator": "In", "values": list(nodes)}
    affinity = pod.get("affinity") or {}
    of_nodes = affinity.get("nodeAffinity") or {}
    preferred = [*(of_nodes.get(_PREFERRED) or ()), {"weight": 100, "preference": {"matchFields": [there]}}]
    return pod | {"affinity": affinity | {"nodeAffinity": of_nodes | {_PREFERRED: preferred}}}


def answering(pod: Manifest, name: str) -> Manifest:
    """Return a pod whose last step answers under a name how far it is."""
    return pod | {"containers": job.answering(pod, name)["containers"]}


def _step(name: str, command: list[str]) -> list[str]:
    return [*command[:2], name, *command[2:]]


def _mounts(parts: PodParts) -> list[Manifest]:
    return list(parts.container.get("volumeMounts") or ())


def _command(asked: Import, spec: ImportSpec, migration: Spec) -> list[str]:
    """Return the command line of our own steps; a person can copy it from the Job and run it by hand."""
    database = migration.database
    given = {"schema": database and database.schema_, "role": database and database.role}
    said = [f"--{name}={value}" for name, value in given.items() if value]
    said += [f"--exclude={one}" for one in spec.tables.exclude]
    said += [f"--column={one.column}={one.as_.lower()}" for one in spec.columns]
    said += [f"--on-bad-row={_WORDS[spec.on_bad_row]}", f"--orphans={_WORDS[spec.orphans]}"]
    said += [f"--verify={_WORDS[spec.verify]}"]
    file = f"{_SOURCE}/{spec.from_.sqlite.path}"
    return ["alembic-operator", "import-step", file, f"--place={_PLACE}", f"--mark={asked.name}", *said]


def _upgrade(spec: ImportSpec, migration: Spec, parts: PodParts, target: tuple[str, ...]) -> Manifest:
    alembic, sqlite = migration.alembic, spec.from_.sqlite
    words = [f"--place={_PLACE}", f"--config={alembic.config}", f"--section={alembic.section}"]
    words += [f"--target={','.join(target)}", *([f"--revision={sqlite.revision}"] if sqlite.revision else [])]
    words += [f"-x={one}" for one in alembic.x_arguments]
    ours: list[Manifest] = [
        {"name": "TMPDIR", "value": _PLACE},
        *({"name": one.name, "value": one.value} for one in sqlite.env),
    ]
    return parts.container | {
        "name": names.UPGRADE,
        "command": [alembic.python, f"{_PLACE}/upgrade.pyz", *words],
        "env": _over(parts.container.get("env") or [], ours),
        "securityContext": job.restricted(parts.container.get("securityContext") or {}),
    }


def _over(given: list[Any], ours: list[Manifest]) -> list[Manifest]:
    taken = {one["name"] for one in ours}
    return [*ours, *(one for one in given if one["name"] not in taken)]
