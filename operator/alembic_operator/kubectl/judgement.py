"""Judge what the cluster said: how a migration stands, why a pod does not start, and what to type next. No I/O."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from alembic_operator.api.status import Status
from alembic_operator.core import names
from alembic_operator.core.gates.held_pods import held_pods
from alembic_operator.core.observation import conditions, reading
from alembic_operator.core.observation.gated_pods import GatedPod, read_gated_pod
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing
from alembic_operator.core.runs import messages
from alembic_operator.core.status.shown import shown


class Standing(enum.IntEnum):
    """How something stands; the value is the exit code."""

    READY = 0
    ERROR = 1
    WAITS = 2
    STALLED = 3


_WORST_FIRST = (Standing.ERROR, Standing.STALLED, Standing.WAITS)


@dataclass(frozen=True)
class Verdict:
    """What is true of one migration or pod."""

    standing: Standing
    headline: str
    """One sentence: who, and how it stands."""
    why: str = ""
    next: str = ""
    """The command to type, or what to do; empty: nothing."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values, in the order in which they are read."""


def worst(verdicts: Iterable[Verdict]) -> Standing:
    """Return the standing of all together."""
    found = {one.standing for one in verdicts}
    return next((one for one in _WORST_FIRST if one in found), Standing.READY)


def of_migration(raw: Manifest) -> Verdict:
    """Return how a DatabaseMigration stands."""
    migration = read_migration(raw)
    status, name = migration.status, f"{migration.namespace}/{migration.name}"
    if status.observed_generation < 0:
        return Verdict(
            Standing.WAITS,
            f"{name}: no operator has looked at it",
            "none serves this namespace, or none runs; pods with its label may start without a gate",
            "kubectl get deployments -A -l app.kubernetes.io/name=alembic-operator",
        )
    standing = _standing(migration)
    reason = conditions.reason_of(status.conditions)
    old = "" if status.observed_generation == migration.generation else "; its latest change was not looked at yet"
    return Verdict(
        standing,
        f"{name}: {_WORDS[standing]} ({reason}){old}",
        next((one.message for one in status.conditions if one.type == conditions.READY), ""),
        _next(migration, reason, standing),
        _facts(status),
    )


_WORDS = {Standing.READY: "ready", Standing.WAITS: "not ready yet", Standing.STALLED: "STALLED"}


def _standing(migration: Migration) -> Standing:
    status = migration.status
    if status.observed_generation != migration.generation:
        return Standing.WAITS
    if conditions.is_ready(status.conditions):
        return Standing.READY
    stalled = any(one.type == conditions.STALLED and one.status == "True" for one in status.conditions)
    return Standing.STALLED if stalled else Standing.WAITS


def _next(migration: Migration, reason: str, standing: Standing) -> str:
    if standing is Standing.READY:
        return ""
    at = f"-n {migration.namespace}"
    if reason == "Suspended":
        return f"kubectl alembic resume {migration.name} {at}"
    last = migration.status.last_run
    if last and last.pod:
        return f"kubectl logs {last.pod} {at} -c {names.GATE_CONTAINER}"
    if last and last.job:
        return f"kubectl logs job/{last.job} {at} -c {names.CONTAINER}"
    return f"kubectl describe dbm {migration.name} {at}"


@dataclass(frozen=True)
class Branch:
    """A migration, and those that it depends on."""

    standing: Standing
    headline: str
    below: tuple["Branch", ...] = ()


def branch(name: str, all_of_them: Mapping[str, Manifest]) -> Branch:
    """Return a migration and what it depends on, all the way down; a circle ends where it closes.

    Args:
        name: The migration.
        all_of_them: The migrations of its namespace, by name.
    """
    return _branch(name, all_of_them, (), set())


def _branch(name: str, all_of_them: Mapping[str, Manifest], above: tuple[str, ...], drawn: set[str]) -> Branch:
    """What many depend on is followed once: the paths to it can be millions."""
    raw = all_of_them.get(name)
    if raw is None:
        return Branch(Standing.WAITS, f"{name}: there is no such DatabaseMigration")
    told = of_migration(raw)
    if name in above:
        return Branch(told.standing, f"{name}: a circle; take one dependsOn out of it")
    spec = read_migration(raw).spec
    needs = spec.depends_on if spec else ()
    if needs and name in drawn:
        return Branch(told.standing, f"{told.headline}; what it depends on is drawn above")
    drawn.add(name)
    below = tuple(_branch(one.name, all_of_them, (*above, name), drawn) for one in needs)
    return Branch(told.standing, told.headline, below)


def log_of(migration: Migration) -> tuple[str, ...]:
    """Return whose log kubectl shall print for the last run, as its arguments; empty: there was no run."""
    last = migration.status.last_run
    if last and last.pod:
        return last.pod, f"--container={names.GATE_CONTAINER}"
    if last and last.job:
        return f"job/{last.job}", f"--container={names.CONTAINER}"
    return ()


def _facts(status: Status) -> tuple[tuple[str, str], ...]:
    revisions, last = status.revisions, status.last_run
    told = [
        ("Image", status.image or ""),
        ("Current", messages.heads(revisions.current) if revisions else ""),
        ("Target", messages.heads(revisions.target) if revisions else ""),
        ("Pending", shown(revisions).pending if revisions else ""),
        ("Held pods", str(status.held_pods or "")),
        ("Last run", f"attempt {last.attempt}: {last.outcome or 'under way'}" if last else ""),
        ("Since", (last.finished_at or last.started_at or "") if last else ""),
        *(("Failed at", one.statement) for one in [last.error if last else None] if one and one.statement),
    ]
    return tuple((name, value) for name, value in told if value)


def of_pod(raw: Manifest, migration: Manifest | None, now: datetime) -> Verdict:
    """Return why a pod does not start, as far as a migration has to do with it.

    Args:
        raw: The pod.
        migration: That of its label; None: there is no such.
        now: The time.
    """
    pod = read_gated_pod(raw)
    name = f"pod {pod.name}"
    label = reading.text(raw, "metadata", "labels", names.MIGRATION_LABEL)
    if not label:
        return Verdict(Standing.READY, f"{name} waits for no migration", f"it has no label {names.MIGRATION_LABEL}")
    if migration is None:
        return Verdict(
            Standing.WAITS,
            f"{name}: there is no DatabaseMigration {label} in its namespace",
            "new pods with this label are refused",
            "create it, or correct the label of the pod template",
        )
    if pod.gate is None:
        return _ungated(pod, name, label)
    if pod.gate.opened:
        return Verdict(Standing.READY, f"{name} is through its gate", f"what keeps it now is not migration {label}")
    return _held(pod, migration, now)


def _ungated(pod: GatedPod, name: str, label: str) -> Verdict:
    if pod.gate_annotation:
        why = f"the annotation {names.GATE_ANNOTATION} says {pod.gate_annotation}"
        return Verdict(Standing.READY, f"{name} started without a gate", why)
    return Verdict(
        Standing.WAITS,
        f"{name} HAS NO GATE, although its label names migration {label}",
        "when it was created the admission policies were absent, or do not serve this namespace",
        "kubectl get mutatingadmissionpolicies,validatingadmissionpolicies | grep alembic",
    )


def _held(pod: GatedPod, raw: Manifest, now: datetime) -> Verdict:
    """Say it in the words that the operator itself has for held pods."""
    migration = read_migration(raw)
    seen = Observation(
        now=now,
        migration=migration,
        source=Missing("not looked at"),
        server=None,
        dependencies=(),
        cycle=(),
        jobs=(),
        pods=(),
        gated=(pod,),
        runner_image="",
        runner_is_there=True,
    )
    held, stands = held_pods(seen, migration.status), of_migration(raw)
    said = held.sentence or "it has not waited at its gate for 3 s yet, or its gate has not begun"
    standing = Standing.WAITS if stands.standing is Standing.READY else stands.standing
    own_log = f"kubectl logs {pod.name} -n {migration.namespace} -c {names.GATE_CONTAINER}"
    facts = (("Migration", stands.headline), ("It says", stands.why))
    return Verdict(standing, f"pod {pod.name} waits at its gate", said, stands.next or own_log, facts)
