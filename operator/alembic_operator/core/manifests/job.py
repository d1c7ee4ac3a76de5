"""Build the Job that runs a migration, as a plain manifest."""

from dataclasses import replace
from typing import Any

from alembic_operator.api.meta import Model
from alembic_operator.api.tenants import Tenants
from alembic_operator.api.v1alpha1 import API_VERSION, KIND, Database, Spec
from alembic_operator.contract import JOB_FAILING_EXIT_CODES, PROGRESS_VARIABLE, SPARES_VARIABLE, Invocation, seconds
from alembic_operator.contract.servers import variable
from alembic_operator.core import names
from alembic_operator.core.manifests import flags
from alembic_operator.core.manifests.merge import merge
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import PodParts

_POSTGRESQL_PORT = 5432

_GRACE_SECONDS = 60
"""Long enough to cancel a running statement and to roll back."""

_TTL = "ttlSecondsAfterFinished"
_LEAST_TTL = 60
"""Seconds. The operator must see how a Job has ended before it is gone, or it would run again and again."""

_RESTRICTED: Manifest = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
"""What Pod Security "restricted" wants of a container, short of the user, which the image or the workload knows."""

_ONLY_WHEN = ("settlingTime", "awaitImport")
"""Fields of spec.policy that say when something runs, and not what."""
_NOT_THE_RUN = ("every", "gate")
"""The same of spec.tenants, and what only pods with a gate ask."""


def what_matters(migration: Migration, spec: Spec, parts: PodParts, server: DatabaseServer | None) -> Manifest:
    """Return the inputs that make another Job when they change.

    Fields at their defaults and the operator's own version are left out, so that an upgrade runs nothing again.
    """
    limits = {name: limit for name, limit in _written(spec.policy).items() if name not in _ONLY_WHEN}
    written = _written(spec) | {"policy": limits or None}
    tenants = {name: one for name, one in written.get("tenants", {}).items() if name not in _NOT_THE_RUN}
    return {
        "container": parts.container,
        "pod": parts.pod,
        "server": [server.host, server.port] if server else None,
        "retry": migration.retry,
        **{name: written.get(name) for name in ("alembic", "database", "policy", "jobTemplate")},
        **({"tenants": tenants} if tenants else {}),  # no word of it where there are none, as before there were any
    }


def _written(model: Model) -> Manifest:
    return model.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def invocation(spec: Spec, command: str = "upgrade") -> Invocation:
    """Return the runner's command line; a person can copy it from the Job and run it by hand."""
    return Invocation(command, x=spec.alembic.x_arguments, **flags.given(spec, waits=command == "gate"))


def environment(database: Database | None, server: DatabaseServer | None) -> list[Manifest]:
    """Return where to connect, under libpq's names; secrets only as references that the kubelet resolves."""
    if database is None:
        return []
    if database.url_from:
        # The runner believes PGHOST first, and that of the source may name another server, such as a pooler.
        return [{"name": "PGHOST", "value": ""}, _secret("DATABASE_URL", database.url_from)]
    host = server.host if server else database.host
    port = database.port or (server.port if server else _POSTGRESQL_PORT)
    plain = {"PGHOST": host, "PGPORT": str(port), "PGDATABASE": database.name, "PGSSLMODE": database.ssl_mode}
    secret = {"PGUSER": database.user_from, "PGPASSWORD": database.password_from}
    return [{"name": name, "value": value} for name, value in plain.items() if value] + [
        _secret(name, key) for name, key in secret.items() if key
    ]


def environment_of(spec: Spec, parts: PodParts, server: DatabaseServer | None) -> list[Manifest]:
    """Return the environment of whoever runs the migration: the source's own, and where to connect instead of it."""
    ours = [*environment(spec.database, server), *_of_servers(spec.tenants)]
    return _over(parts.container.get("env") or [], sorted(ours, key=lambda one: "valueFrom" in one))


def _of_servers(tenants: Tenants | None) -> list[Manifest]:
    """Return where each further server is; what one does not say is as in spec.database."""
    servers = tenants.servers if tenants else ()
    plain = [("PGHOST", one.name, one.host) for one in servers]
    plain += [("PGPORT", one.name, str(one.port) if one.port else None) for one in servers]
    secret = [("DATABASE_URL", one.name, one.url_from) for one in servers]
    secret += [("PGUSER", one.name, one.user_from) for one in servers]
    secret += [("PGPASSWORD", one.name, one.password_from) for one in servers]
    return [{"name": variable(name, server), "value": value} for name, server, value in plain if value] + [
        _secret(variable(name, server), key) for name, server, key in secret if key
    ]


def _secret(name: str, key: Any) -> Manifest:
    return {"name": name, "valueFrom": {"secretKeyRef": {"name": key.name, "key": key.key}}}


def build(name: str, attempt: int, migration: Migration, pod: Manifest) -> Manifest:
    """Return the Job around a pod; spec.jobTemplate is merged last, but cannot rename or disown it."""
    spec = _spec(migration)
    template = spec.job_template or {}
    servers = [one.name for one in spec.tenants.servers] if spec.tenants else []
    told = {names.SERVERS: ",".join(servers)} if servers else {}
    labels = {
        names.MANAGED_BY: names.OPERATOR,
        names.MIGRATION_LABEL: migration.name,
        names.RUN_LABEL: migration.name,
    }
    job: Manifest = {
        "metadata": {"labels": labels, "annotations": {}},
        "spec": {
            **_attempts(spec, len(servers)),
            "activeDeadlineSeconds": max(1, int(seconds(spec.policy.deadline))) + _GRACE_SECONDS,
            _TTL: spec.ttl_seconds_after_finished,
            "podReplacementPolicy": "Failed",
            "podFailurePolicy": {
                "rules": failure_rules("FailIndex" if servers else "FailJob", containerName=names.CONTAINER)
            },
            "template": {"metadata": {"labels": labels, "annotations": {}}, "spec": beside(pod, template)},
        },
    }
    fixed: Manifest = {
        "metadata": {"labels": labels, "annotations": {names.ATTEMPT: str(attempt)} | told},
        "spec": {"template": {"metadata": {"labels": labels} | ({"annotations": told} if told else {})}},
    }
    owned = {"namespace": migration.namespace, "ownerReferences": [owner(KIND, migration.name, migration.uid)]}
    return templated(job, template, fixed, {"name": name, **owned})


def templated(job: Manifest, template: Manifest, fixed: Manifest, identity: Manifest) -> Manifest:
    """Return a Job with a person's jobTemplate over it, and over that what no template changes."""
    merged = merge(merge(job, template), fixed)
    if merged["spec"].get(_TTL) in range(_LEAST_TTL):
        merged["spec"][_TTL] = _LEAST_TTL
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": merged["metadata"] | identity,
        "spec": merged["spec"],
    }


def beside(pod: Manifest, template: Manifest) -> Manifest:
    """Return the pod as it suits a jobTemplate: among the node's processes no pod can share its own."""
    theirs: Any = template
    for name in ("spec", "template", "spec", "hostPID"):
        theirs = theirs.get(name) if isinstance(theirs, dict) else None
    return {name: value for name, value in pod.items() if not (theirs is True and name == "shareProcessNamespace")}


def _spec(migration: Migration) -> Spec:
    if migration.spec is None:
        raise ValueError(f"{migration.name}: a Job needs a specification that can be read")
    return migration.spec


def _attempts(spec: Spec, servers: int) -> Manifest:
    """Return how often a pod may fail: with several servers, for each of them, which has an index of its own."""
    limit = spec.policy.backoff_limit
    if not servers:
        return {"backoffLimit": limit}
    # All at once, and none stops the others; spec.jobTemplate may say less, in Kubernetes' own words.
    many = dict.fromkeys(("completions", "parallelism", "maxFailedIndexes"), servers)
    return {"completionMode": "Indexed", **many, "backoffLimitPerIndex": limit}


def failure_rules(action: str, **of: str) -> list[Manifest]:
    """Return what a Job makes of pods that fail: a disruption does not count, and some exit codes end it.

    `of`: the containerName whose exit codes they are; without it, all containers'.
    """
    codes = sorted(int(code) for code in JOB_FAILING_EXIT_CODES)
    return [
        {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {"action": action, "onExitCodes": {**of, "operator": "In", "values": codes}},
    ]


def owner(kind: str, name: str, uid: str) -> Manifest:
    """Return the reference by which the garbage collector removes a Job with its object."""
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def pod_beside(source: Manifest) -> Manifest:
    """Return the source's pod as every pod of a Job of ours has it, without its containers."""
    return source | {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        # Not as process 1, whose SIGTERM the kernel drops while Python starts and has no handler yet.
        "shareProcessNamespace": True,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "securityContext": merge({"seccompProfile": {"type": "RuntimeDefault"}}, source.get("securityContext") or {}),
    }


def pod(spec: Spec, parts: PodParts, server: DatabaseServer | None, command: str = "upgrade") -> Manifest:
    """Return the pod: the source's own image and environment, with the runner mounted beside them."""
    # subPath: a mounted file stays the same while its container runs, also when another operator brings another runner.
    mount = {"name": names.RUNNER_VOLUME, "mountPath": names.RUNNER_PATH, "subPath": names.RUNNER_KEY, "readOnly": True}
    migrate = parts.container | {
        "name": names.CONTAINER,
        "command": [spec.alembic.python, names.RUNNER_PATH, *_of_image(invocation(spec, command), parts).argv()],
        "env": environment_of(spec, parts, server),
        "securityContext": restricted(parts.container.get("securityContext") or {}),
        "volumeMounts": [*(parts.container.get("volumeMounts") or ()), mount],
    }
    return pod_beside(parts.pod) | {
        "containers": [migrate],
        "volumes": [*(parts.pod.get("volumes") or ()), _runner_volume()],
    }


def answering(pod: Manifest, name: str) -> Manifest:
    """Return a pod that answers under a name how far it is."""
    return _telling(pod, PROGRESS_VARIABLE, name)


def sparing(pod: Manifest) -> Manifest:
    """Return a pod that leaves tenants alone which have failed for good."""
    return _telling(pod, SPARES_VARIABLE, "true")


def _telling(pod: Manifest, name: str, value: str) -> Manifest:
    (migrate,) = pod["containers"]
    told = {"name": name, "value": value}
    return pod | {"containers": [migrate | {"env": [*migrate["env"], told]}]}


def _of_image(call: Invocation, parts: PodParts) -> Invocation:
    """Let the table of runs tell which image ran."""
    return replace(call, image=parts.container.get("image") or "") if call.history == "Enabled" else call


def _runner_volume() -> Manifest:
    return {"name": names.RUNNER_VOLUME, "configMap": {"name": names.RUNNER_CONFIG_MAP}}


def restricted(given: Manifest) -> Manifest:
    """Return a container's security context without what raises its rights: a migration needs none of that."""
    return {name: value for name, value in given.items() if name != "privileged"} | _RESTRICTED


def _over(given: list[Manifest], ours: list[Manifest]) -> list[Manifest]:
    """Return both, ours first and instead of one of the same name, so that `$(PGHOST)` in a given value sees ours."""
    taken = {one["name"] for one in ours}
    return [*ours, *(one for one in given if one["name"] not in taken)]
