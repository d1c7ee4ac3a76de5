"""Why a pod does not start, as far as a migration has to do with it."""

from alembic_operator.core import names
from alembic_operator.core.gates.reports import as_pod
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.gated_pods import GatedPod, read_gated_pod
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.runs.progress import kept_from_starting
from alembic_operator.kubectl.diagnosis.diagnosis import Diagnosis, Standing
from alembic_operator.kubectl.diagnosis.gated import held, label_of, runs_it
from alembic_operator.kubectl.diagnosis.imports import awaited
from alembic_operator.kubectl.diagnosis.migration import stand
from alembic_operator.kubectl.diagnosis.operators import service
from alembic_operator.kubectl.diagnosis.surroundings import Surroundings

_POLICIES = "kubectl get mutatingadmissionpolicies,validatingadmissionpolicies"

_NO_PROBLEM = ("", "PodInitializing", "ContainerCreating", "CrashLoopBackOff")
"""What the kubelet says of a gate that it will start by itself."""


def diagnose(raw: Manifest, migration: Manifest | None, around: Surroundings) -> Diagnosis:
    """Return why a pod does not start; `migration` is that of its label, None when there is no such."""
    pod, label = read_gated_pod(raw), label_of(raw)
    name, namespace = f"pod {pod.name}", reading.text(raw, "metadata", "namespace")
    if not label:
        return Diagnosis(Standing.READY, f"{name} waits for no migration", f"it has no label {names.MIGRATION_LABEL}")
    if pod.gate is None and not runs_it(raw):
        return _ungated(pod, label, namespace, migration, around)
    if migration is None:
        why = "its own gate goes on; new pods with this label are refused"
        return _misnamed(f"{name}: there is no DatabaseMigration {label} in namespace {namespace}", why, namespace)
    if runs_it(raw):
        told = stand(read_migration(migration))
        return Diagnosis(told.standing, f"{name} runs the migration itself", told.why, told.next, _of(told))
    if pod.gate and pod.gate.opened:
        then = "" if pod.ended else f"kubectl describe pod {pod.name} -n {namespace}"
        why = f"what keeps it now is not migration {label}"
        return Diagnosis(Standing.READY, f"{name} is through its gate", why, then)
    return _waiting(pod, read_migration(migration), around)


def _misnamed(headline: str, why: str, namespace: str) -> Diagnosis:
    return Diagnosis(
        Standing.WAITS,
        headline,
        why,
        f"kubectl get dbm -n {namespace}",
        (("Remedy", "create the DatabaseMigration, or correct the label of the pod template"),),
    )


def _of(told: Diagnosis) -> tuple[tuple[str, str], ...]:
    return (("Migration", told.headline),)


def _ungated(pod: GatedPod, label: str, namespace: str, migration: Manifest | None, around: Surroundings) -> Diagnosis:
    if pod.gate_annotation:
        why = f"the annotation {names.GATE_ANNOTATION} says {pod.gate_annotation}"
        return Diagnosis(Standing.READY, f"pod {pod.name} started without a gate", why)
    why, then = _why_ungated(pod, namespace, around)
    missing = "" if migration else ", which does not exist"
    told = stand(read_migration(migration)) if migration else None
    return Diagnosis(
        Standing.WAITS,
        f"pod {pod.name} HAS NO GATE, although its label names migration {label}{missing}",
        why,
        then,
        _of(told) if told else (),
    )


def _why_ungated(pod: GatedPod, namespace: str, around: Surroundings) -> tuple[str, str]:
    """Return why the pod came in without a gate, and what to type."""
    if around.operators is not None:
        found = service(namespace, around.operators)
        if not found.served:
            return found.why, found.next
    if around.policies is None:
        return "when it was created the admission policies were absent, or do not serve this namespace", _POLICIES
    if not around.policies:
        why = "the admission policies are gone: new pods with the label start without a gate"
        return why, "install the chart again, with gate.policies=true, and replace the pods that have no gate"
    restart = f"kubectl delete pod {pod.name} -n {namespace}"
    if all(reading.text(one, "metadata", "creationTimestamp") > pod.created_at for one in around.policies):
        return "it is older than the admission policies; a new pod in its place gets a gate", restart
    return "it is older than its label, or the admission policies do not serve this namespace", _POLICIES


def _waiting(pod: GatedPod, migration: Migration, around: Surroundings) -> Diagnosis:
    told = stand(migration)
    standing = Standing.WAITS if told.standing is Standing.READY else told.standing
    facts = (*_of(told), ("It says", told.why))
    if kept := _kept(pod):
        look = f"kubectl describe pod {pod.name} -n {migration.namespace}"
        return Diagnosis(standing, f"pod {pod.name} cannot start its gate", kept, look, facts)
    past = awaited(migration, around.imports) if told.standing is Standing.READY else None
    if past and past.standing is not Standing.READY:
        headline = f"pod {pod.name} waits at its gate for the rows of an import"
        own_log = f"kubectl logs {pod.name} -n {migration.namespace} -c {names.GATE_CONTAINER}"
        facts = (*_of(told), ("Import", past.headline.removeprefix("import ")), *past.facts)
        return Diagnosis(past.standing, headline, past.why, past.next or own_log, facts)
    waits = held([pod], migration, around.now).workloads
    said = waits[0] if waits else "it has not waited at its gate for 3 s yet, or its gate has not begun"
    own_log = f"kubectl logs {pod.name} -n {migration.namespace} -c {names.GATE_CONTAINER}"
    if around.operators is not None:
        facts += (("Operator", service(migration.namespace, around.operators).why),)
    then = own_log if pod.gate and pod.gate.has_failed else told.next or own_log
    return Diagnosis(standing, f"pod {pod.name} waits at its gate", said, then, facts)


def _kept(pod: GatedPod) -> str:
    """Return why no node or kubelet starts the gate; empty: one does."""
    gate = pod.gate
    if gate is None or not (pod.unschedulable or gate.waiting_reason not in _NO_PROBLEM):
        return ""
    return kept_from_starting(as_pod(pod, gate)).message
