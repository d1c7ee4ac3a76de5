"""Warn of workloads whose settings do not suit pods that wait: read few facts of each, and say what to change."""

import re
from collections.abc import Iterable
from fractions import Fraction
from math import ceil, floor

from alembic_operator.api.reasons import Occasion
from alembic_operator.contract import seconds
from alembic_operator.core import names, reading
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation import GatedWorkload, Manifest, Observation, Owner
from alembic_operator.core.reading import Reading

_DEADLINE = 600
"""Seconds that a rollout may be without progress, by default."""

_SHARE = "25%"
"""Of its pods, how many may be missing, and how many may be added; by default."""

_MARGIN = 60

_INT32 = 2**31 - 1
"""The greatest number of seconds and of pods that Kubernetes knows."""

_NUMBER_OR_SHARE = re.compile(r"[0-9]{1,10}%?")


def migration_of(raw: Manifest) -> str:
    """Return the migration that the pods of a workload wait for; empty: none."""
    return reading.text(raw, "spec", "template", "metadata", "labels", names.MIGRATION_LABEL)


def workload(raw: Manifest, api_version: str, kind: str) -> GatedWorkload:
    """Read a Deployment, StatefulSet or Rollout; lists leave out what kind their items are."""
    looked = Reading(raw)
    owner = Owner(api_version, kind, looked.text("metadata", "name"), looked.text("metadata", "uid"))
    deleting = looked.value("metadata", "deletionTimestamp") is not None
    if kind == "StatefulSet":  # it replaces one pod at a time, in its place, and has no deadline
        return GatedWorkload(owner, deleting=deleting)
    deadline = looked.number("spec", "progressDeadlineSeconds", most=_INT32)
    return GatedWorkload(
        owner,
        recreates=looked.text("spec", "strategy", "type") == "Recreate",
        progress_deadline=_DEADLINE if deadline is None else deadline,
        max_unavailable=_lets_go(looked, kind),
        deleting=deleting,
        unreadable=looked.unreadable,
    )


def _lets_go(looked: Reading, kind: str) -> str:
    """Return maxUnavailable as it is written, when old pods may go for it while new ones wait; else nothing."""
    path = ("spec", "strategy", "rollingUpdate" if kind == "Deployment" else "canary")
    if kind != "Deployment" and looked.value(*path) is None:
        return ""
    replicas = looked.number("spec", "replicas", most=_INT32)
    pods = 1 if replicas is None else replicas
    unavailable, surge = _share(looked, *path, "maxUnavailable"), _share(looked, *path, "maxSurge")
    # When both come to nothing, Kubernetes takes one pod away, or no rollout could begin.
    fewer = floor(_of(unavailable, pods)) or (0 if ceil(_of(surge, pods)) else 1)
    return unavailable if fewer and pods else ""


def _share(looked: Reading, *path: str) -> str:
    """Return a number of pods, or a percentage, as it is written; the default in the place of what is neither."""
    found = looked.value(*path)
    written = str(found) if type(found) is int and abs(found) <= _INT32 else reading.text(found)
    if found is None or _NUMBER_OR_SHARE.fullmatch(written):
        return written or _SHARE
    looked.note(path, f"is {reading.shown(found)}, not a number of pods or a percentage")
    return _SHARE


def _of(share: str, replicas: int) -> Fraction:
    """Return how many pods a number, or a percentage, comes to."""
    return Fraction(int(share[:-1]) * replicas, 100) if share.endswith("%") else Fraction(int(share))


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
