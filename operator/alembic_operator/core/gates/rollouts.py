"""Warn of workloads whose settings do not suit pods that wait: read few facts of each, and say what to change."""

from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor
from typing import Any

from alembic_operator.api.reasons import Occasion
from alembic_operator.contract import seconds
from alembic_operator.core import names
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation import GatedWorkload, Manifest, Observation, Owner

_DEADLINE = 600
"""Seconds that a rollout may be without progress, by default."""

_SHARE = "25%"
"""Of its pods, how many may be missing, and how many may be added; by default."""

_MARGIN = 60


def migration_of(raw: Manifest) -> str:
    """Return the migration that the pods of a workload wait for; empty: none."""
    labels = (_template(raw).get("metadata") or {}).get("labels") or {}
    return str(labels.get(names.MIGRATION_LABEL) or "")


def _template(raw: Manifest) -> Manifest:
    return (raw.get("spec") or {}).get("template") or {}


def workload(raw: Manifest, api_version: str, kind: str) -> GatedWorkload:
    """Read a Deployment, StatefulSet or Rollout; lists leave out what kind their items are."""
    metadata, spec = raw["metadata"], raw["spec"]
    owner = Owner(api_version, kind, metadata["name"], metadata["uid"])
    if kind == "StatefulSet":  # it replaces one pod at a time, in its place, and has no deadline
        return GatedWorkload(owner)
    strategy: Manifest = spec.get("strategy") or {}
    rolling = strategy.get("rollingUpdate") or {} if kind == "Deployment" else strategy.get("canary")
    return GatedWorkload(
        owner,
        recreates=strategy.get("type") == "Recreate",
        progress_deadline=spec.get("progressDeadlineSeconds", _DEADLINE),
        max_unavailable=_lets_go(rolling, spec.get("replicas", 1)) if rolling is not None else "",
    )


def _lets_go(rolling: Manifest, replicas: int) -> str:
    """Return maxUnavailable as it is written, when old pods may go for it while new ones wait; else nothing."""
    unavailable, surge = rolling.get("maxUnavailable", _SHARE), rolling.get("maxSurge", _SHARE)
    # When both come to nothing, Kubernetes takes one pod away, or no rollout could begin.
    fewer = floor(_of(unavailable, replicas)) or (0 if ceil(_of(surge, replicas)) else 1)
    return str(unavailable) if fewer and replicas else ""


def _of(share: Any, replicas: int) -> Fraction:
    """Return how many pods a number, or a percentage, comes to."""
    written = str(share)
    return Fraction(written.removesuffix("%")) * replicas / 100 if written.endswith("%") else Fraction(written)


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
    return tuple(Notice(Occasion.ROLLOUT_AT_RISK, note, warning=True, regarding=one.owner) for one in workloads)
