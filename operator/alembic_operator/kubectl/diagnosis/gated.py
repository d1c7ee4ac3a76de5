"""Pods with the label of a migration: who waits at a gate, and who has none."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from alembic_operator.core import names
from alembic_operator.core.gates.held_pods import HeldPods, held_pods
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.gated_pods import GatedPod, read_gated_pod
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import Manifest
from alembic_operator.core.observation.source import Missing, PodParts


def label_of(raw: Manifest) -> str:
    """Return the name of the migration that a pod, or a pod template, belongs to; empty without one."""
    return reading.text(raw, "metadata", "labels", names.MIGRATION_LABEL)


def belongs_to(raw: Manifest, migration: Migration) -> bool:
    """Return whether a pod has the label of this migration."""
    return (label_of(raw), reading.text(raw, "metadata", "namespace")) == (migration.name, migration.namespace)


def runs_it(raw: Manifest) -> bool:
    """Return whether a pod runs a migration, and waits for none."""
    return names.RUN_LABEL in reading.fields(raw, "metadata", "labels")


def has_no_gate(raw: Manifest) -> bool:
    """Return whether a pod with the label runs without a gate, and nobody said that it may."""
    pod = read_gated_pod(raw)
    return bool(label_of(raw)) and not (runs_it(raw) or pod.gate or pod.gate_annotation or pod.ended)


def ungated(pods: Iterable[Manifest]) -> list[str]:
    """Return of each workload how many pods run without a gate although nobody said so."""
    count = Counter(str(read_gated_pod(one).workload) for one in pods if has_no_gate(one))
    return [f"{many} pod{'s' if many > 1 else ''} of {workload} WITHOUT A GATE" for workload, many in count.items()]


def held(pods: Iterable[GatedPod], migration: Migration, now: datetime) -> HeldPods:
    """Return who of these pods waits at the gate, for what, since when, in the operator's own words."""
    image = migration.spec.source.image if migration.spec else None
    seen = Observation(
        now=now,
        migration=migration,
        source=PodParts({"image": image}, {}) if image else Missing("not looked at"),
        server=None,
        dependencies=(),
        cycle=(),
        jobs=(),
        pods=(),
        gated=tuple(pods),
        runner_image="",
        runner_is_there=True,
    )
    return held_pods(seen, migration.status)
