"""Warn of workloads whose settings do not suit pods that wait: read few facts of each, and say what to change."""

from collections.abc import Iterable
from math import ceil

from alembic_operator.api.occasions import Occasion
from alembic_operator.contract import seconds
from alembic_operator.core import names
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.gated_workloads import GatedWorkload
from alembic_operator.core.observation.observation import Observation

_MARGIN = 60


def at_risk(seen: Observation) -> tuple[Notice, ...]:
    """Return one warning for each setting that makes a rollout fail or lose capacity while the gate is closed."""
    if seen.migration.spec is None:
        return ()
    deadline = seen.migration.spec.policy.deadline
    return tuple(
        Notice(Occasion.ROLLOUT_AT_RISK, note, warning=True, regarding=one.owner)
        for one in seen.workloads
        for note in _risks(one, seen.migration.name, deadline)
    )


def _risks(one: GatedWorkload, migration: str, deadline: str) -> Iterable[str]:
    if one.recreates:
        yield (
            "strategy Recreate stops all old pods before the new ones wait at their gate, an outage for as long as"
            f" DatabaseMigration {migration} takes; set spec.strategy.type to RollingUpdate, with maxUnavailable 0"
        )
    if one.max_unavailable:
        yield (
            f"maxUnavailable {one.max_unavailable} lets old pods go while new ones wait at their gate; set"
            f" maxUnavailable to 0 and maxSurge to 1 or more in {_rolling(one.owner.kind)}"
        )
    longest = ceil(seconds(deadline))
    if one.progress_deadline is not None and one.progress_deadline < longest:
        yield (
            f"progressDeadlineSeconds {one.progress_deadline} is shorter than spec.policy.deadline {deadline} of"
            f" DatabaseMigration {migration}: a rollout can be called failed while the migration still runs; set"
            f" spec.progressDeadlineSeconds to {longest + _MARGIN} or more, or a shorter spec.policy.deadline"
        )


def _rolling(kind: str) -> str:
    return "spec.strategy.canary" if kind == "Rollout" else "spec.strategy.rollingUpdate"


def without_migration(workloads: Iterable[GatedWorkload], name: str) -> tuple[Notice, ...]:
    """Return a warning for each workload whose label names a migration that does not exist."""
    note = (
        f"the label {names.MIGRATION_LABEL} of its pods names DatabaseMigration {name}, which does not exist in this"
        " namespace: new pods are refused until it does; create it, correct the label, or take the label away"
    )
    return tuple(
        Notice(Occasion.ROLLOUT_AT_RISK, note, warning=True, regarding=one.owner)
        for one in workloads
        if not one.deleting
    )
