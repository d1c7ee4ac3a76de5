"""Tell of pods that a person let through without a gate: of which workload, and whether that was needed."""

from collections.abc import Iterable
from datetime import timedelta

from alembic_operator.api.meta import Condition
from alembic_operator.api.occasions import Occasion
from alembic_operator.core import names
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.conditions import READY
from alembic_operator.core.observation.gated_pods import GatedPod
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment

_NEWS = timedelta(hours=1)
"""An older pod was told of when it was new; the API server keeps that Event for as long, so nothing is told twice."""


def skipped(seen: Observation, stands: Iterable[Condition]) -> tuple[Notice, ...]:
    """Return one notice for each owner of such pods; `stands` says how the migration is meanwhile."""
    ready = next((one for one in stands if one.type == READY), None)
    if ready is None:
        return ()
    pods = {
        one.owner: one
        for one in seen.gated
        if one.gate_annotation == names.SKIP and not one.ended and _is_new(one, seen)
    }
    return tuple(_notice(pod, seen, ready) for pod in pods.values())


def _is_new(pod: GatedPod, seen: Observation) -> bool:
    return seen.now - (moment(pod.created_at) or seen.now) < _NEWS


def _notice(pod: GatedPod, seen: Observation, ready: Condition) -> Notice:
    is_ready = ready.status == "True"
    stands = "is Ready all the same" if is_ready else f"is not Ready ({ready.reason}: {ready.message})"
    return Notice(
        Occasion.GATE_SKIPPED,
        f"pods of {pod.told_of} start without their gate; DatabaseMigration {seen.migration.name} {stands}",
        warning=not is_ready,
        regarding=seen.workload_of(pod),
        identity=pod.owner.uid,
        set_by=names.GATE_ANNOTATION,
    )
