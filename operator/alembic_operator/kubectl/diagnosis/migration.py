"""How a DatabaseMigration stands."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from alembic_operator.api.meta import SecretKey
from alembic_operator.api.reasons import Reason
from alembic_operator.core import names
from alembic_operator.core.observation import conditions
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kubectl.diagnosis.details import details
from alembic_operator.kubectl.diagnosis.diagnosis import WORDS, Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.gated import belongs_to, has_no_gate
from alembic_operator.kubectl.diagnosis.imports import awaited
from alembic_operator.kubectl.diagnosis.operators import SELECTOR, service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings

_IN_THE_WAY = re.compile(r"blocked by pid (?P<pid>[0-9]+) \((?!pod |alembic-operator/)")
"""How the runner says whose lock it did not get; another run is not to be ended."""

_KEPT = (
    Reason.SECRET_NOT_FOUND,
    Reason.CONTAINER_REFUSED,
    Reason.IMAGE_PULL_FAILED,
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
    Reason.POD_NOT_CREATED: "kubectl describe {run} {namespace}",
    **dict.fromkeys(_KEPT, "kubectl describe {pods} {namespace}"),
}


def diagnose(raw: Manifest, around: Surroundings, *, wide: bool = False) -> Diagnosis:
    """Return how a DatabaseMigration stands, with what is around it."""
    migration = read_migration(raw)
    told = stand(migration)
    blind = migration.namespace in around.blind
    found = service(migration.namespace, around.operators, blind=blind) if around.operators is not None else None
    acts = found is None or not found.why
    facts = (
        *_dependencies(migration, around),
        *_awaited(migration, around),
        *details(migration, around, wide=wide),
        *_then(told, migration, acts=acts),
    )
    if migration.status.observed_generation >= 0 or found is None:
        then = _stalled_before(migration, around) or told.next or _look_at(migration, around)
        then = then if found is None or acts else found.next
        return replace(told, why=_without(told.why, facts), next=then, facts=facts)
    return replace(
        told,
        why=found.why
        or "one that serves its namespace is ready, and may look there: it comes soon; its log tells more",
        next=found.next,
        facts=tuple(one for one in facts if one[1] != found.why),
    )


def _dependencies(migration: Migration, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield how those stand that a migration waits for."""
    for told in map(stand, _waited_for(migration, around)):
        if told.standing is not Standing.READY:
            yield "Depends on", f"{told.headline}; {told.why}"


def _awaited(migration: Migration, around: Surroundings) -> Iterator[tuple[str, str]]:
    """Yield how the import stands that the pods of a migration wait for."""
    past = awaited(migration, around.imports)
    if past and past.standing is not Standing.READY:
        yield "Import", f"{past.headline.removeprefix('import ')}; {past.why}"


def _stalled_before(migration: Migration, around: Surroundings) -> str:
    """Return what to type about a stalled one that it waits for: somebody must do something there first."""
    stalled = [one for one in _waited_for(migration, around) if stand(one).standing is Standing.STALLED]
    return f"kubectl alembic status {stalled[0].name} -n {migration.namespace}" if stalled else ""


def _waited_for(migration: Migration, around: Surroundings) -> list[Migration]:
    if migration.spec is None or conditions.is_ready(migration.status.conditions):
        return []
    named = {one.name for one in migration.spec.depends_on}
    others = map(read_migration, around.migrations)
    return [one for one in others if one.namespace == migration.namespace and one.name in named]


def _without(why: str, facts: Sequence[tuple[str, str]]) -> str:
    """Return a message without what stands below it: a condition tells of held pods, too."""
    for name, value in reversed(facts):
        why = why.removesuffix(f"; {value}") if name == "Held pods" else why
    return why


def _look_at(migration: Migration, around: Surroundings) -> str:
    """Return what to type about pods without a gate, of a migration that is ready; empty: there are none."""
    pods = [one for one in around.pods or () if belongs_to(one, migration) and has_no_gate(one)]
    return f"kubectl alembic why {pods[0]['metadata']['name']} -n {migration.namespace}" if pods else ""


def _then(told: Diagnosis, migration: Migration, *, acts: bool) -> Iterator[tuple[str, str]]:
    """Yield what helps; `acts`: there is an operator that would start a run."""
    if (found := _IN_THE_WAY.search(told.why)) and migration.status.progress is None:
        yield "Remedy", f"SELECT pg_terminate_backend({found['pid']}) in the database, while it is still that session"
    if conditions.reason_of(migration.status.conditions) == Reason.AUTHENTICATION_FAILED:
        yield from (("Secret", f"{one.name}, key {one.key}") for one in _login(migration))
    if acts and told.standing is Standing.STALLED and _has_log(migration):
        again = f"kubectl alembic retry {migration.name} -n {migration.namespace}"
        yield "Remedy", f"a new image, or a change of the object, runs again; without one: {again}"


def _login(migration: Migration) -> Iterator[SecretKey]:
    """Yield where the user and the password come from; nothing where the application's own environment has them."""
    spec = migration.spec
    servers = spec.tenants.servers if spec and spec.tenants else ()
    for one in (spec.database if spec else None, *servers):
        if one:
            yield from filter(None, (one.url_from, one.user_from, one.password_from))


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
    pods = f"pods -l batch.kubernetes.io/job-name={last.job}" if last and last.job else run
    known = next((then for one, then in _NEXT.items() if str(one) == reason), "")
    if migration.status.tenants and migration.status.tenants.failed:
        return f"kubectl alembic tenants {at} --failed"
    if known:
        return known.format(at=at, namespace=namespace, name=migration.name, run=run, pods=pods)
    if not _has_log(migration):
        return f"kubectl alembic explain {reason}"
    return f"kubectl alembic logs {at}{'' if last and last.finished_at else ' --follow'}"


def _has_log(migration: Migration) -> bool:
    """Tell whether there was a run."""
    last = migration.status.last_run
    return bool(last and (last.pod or last.job))
