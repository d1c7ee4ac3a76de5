"""How a DatabaseMigration stands."""

from dataclasses import replace

from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.observation import conditions
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.details import details
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.operators import SELECTOR, service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings

WORDS = {Standing.READY: "ready", Standing.WAITS: "not ready yet", Standing.STALLED: "STALLED"}

_KEPT = (
    Reason.SECRET_NOT_FOUND,
    Reason.CONTAINER_REFUSED,
    Reason.IMAGE_PULL_FAILED,
    Reason.POD_NOT_CREATED,
    Reason.UNSCHEDULABLE,
)
"""There is no log yet."""

_NEXT = {
    Reason.SUSPENDED: "kubectl alembic resume {at}",
    Reason.WAITING_FOR_DEPENDENCY: "kubectl alembic tree {at}",
    Reason.DEPENDENCY_CYCLE: "kubectl alembic tree {at}",
    Reason.WAITING_FOR_DATABASE: "kubectl get statefulsets,pods {namespace}",
    Reason.WAITING_FOR_WORKLOAD: "kubectl get deployments,statefulsets {namespace}",
    Reason.WAITING_FOR_CONFIG_MAP: "kubectl get configmaps {namespace}",
    Reason.WAITING_FOR_PODS: f"kubectl get pods {{namespace}} -l {names.MIGRATION_LABEL}={{name}}",
    Reason.INVALID_SPEC: "kubectl edit dbm {at}",
    Reason.JOB_INVALID: "kubectl edit dbm {at}",
    Reason.JOB_FORBIDDEN: "kubectl describe dbm {at}",
    Reason.RUNNER_FORBIDDEN: "kubectl describe dbm {at}",
    Reason.API_SERVER_REFUSES: "kubectl describe dbm {at}",
    **dict.fromkeys(_KEPT, "kubectl describe {run} {namespace}"),
}


def diagnose(raw: Manifest, around: Surroundings, *, wide: bool = False) -> Diagnosis:
    """Return how a DatabaseMigration stands, with what is around it."""
    migration = read_migration(raw)
    told, facts = stand(migration), details(migration, around, wide=wide)
    if migration.status.observed_generation >= 0 or around.operators is None:
        return replace(told, facts=facts)
    found = service(migration.namespace, around.operators)
    return replace(
        told,
        why=found.why or "one that serves its namespace is ready: it comes soon, or a right is missing; its log tells",
        next=found.next,
        facts=tuple(one for one in facts if one[1] != found.why),
    )


def stand(migration: Migration) -> Diagnosis:
    """Return what a DatabaseMigration says of itself."""
    status, name = migration.status, f"{migration.namespace}/{migration.name}"
    if status.observed_generation < 0:
        return Diagnosis(
            Standing.WAITS,
            f"{name}: no operator has looked at it",
            "none serves this namespace, or none runs; pods with its label may start without a gate",
            f"kubectl get deployments -A -l {SELECTOR}",
        )
    standing = _standing(migration)
    reason = conditions.reason_of(status.conditions)
    old = "" if status.observed_generation == migration.generation else "; its latest change was not looked at yet"
    return Diagnosis(
        standing,
        f"{name}: {WORDS[standing]} ({reason}){old}",
        next((one.message for one in status.conditions if one.type == conditions.READY), ""),
        "" if standing is Standing.READY else _next(migration, reason),
    )


def _standing(migration: Migration) -> Standing:
    status = migration.status
    if status.observed_generation != migration.generation:
        return Standing.WAITS
    if conditions.is_ready(status.conditions):
        return Standing.READY
    stalled = any(one.type == conditions.STALLED and one.status == "True" for one in status.conditions)
    return Standing.STALLED if stalled else Standing.WAITS


def _next(migration: Migration, reason: str) -> str:
    last, namespace = migration.status.last_run, f"-n {migration.namespace}"
    at = f"{migration.name} {namespace}"
    run = (f"pod {last.pod}" if last.pod else f"job {last.job}") if last else f"dbm {migration.name}"
    known = next((then for one, then in _NEXT.items() if str(one) == reason), "")
    if known:
        return known.format(at=at, namespace=namespace, name=migration.name, run=run)
    if not log_of(migration):
        return f"kubectl alembic explain {reason}"
    return f"kubectl alembic logs {at}{'' if last and last.finished_at else ' --follow'}"


def log_of(migration: Migration) -> tuple[str, ...]:
    """Return whose log kubectl shall print for the last run, as its arguments; empty: there was no run."""
    last = migration.status.last_run
    if last and last.pod:
        return last.pod, f"--container={names.GATE_CONTAINER}"
    if last and last.job:
        return f"job/{last.job}", f"--container={names.CONTAINER}"
    return ()
