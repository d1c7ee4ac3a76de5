"""What is kept of a workload whose pods wait for a migration, read from its raw object: how it replaces them."""

import re
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

from alembic_operator.core import names
from alembic_operator.core.observation import reading
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.reading import Manifest, Reading

_DEADLINE = 600
"""Seconds that a rollout may be without progress, by default."""

_SHARE = "25%"
"""Of its pods, how many may be missing, and how many may be added; by default."""

_INT32 = 2**31 - 1
"""The greatest number of seconds and of pods that Kubernetes knows."""

_NUMBER_OR_SHARE = re.compile(r"[0-9]{1,10}%?")


@dataclass(frozen=True, slots=True)
class GatedWorkload:
    """What is kept of a workload whose pods wait for a migration: how it replaces them."""

    owner: Owner
    recreates: bool = False
    """It stops all old pods before it starts new ones."""
    progress_deadline: int | None = None
    """Seconds; None: it has none."""
    max_unavailable: str = ""
    """As it is written, when it lets old pods go while new ones wait; else empty."""
    deleting: bool = False
    """Somebody has asked for its end, and its pods go before it: nobody can change it any more."""
    unreadable: tuple[str, ...] = ()
    """As of a Job."""


def waits_for(raw: Manifest) -> str:
    """Return the migration that the pods of a workload wait for; empty: none."""
    return reading.text(raw, "spec", "template", "metadata", "labels", names.MIGRATION_LABEL)


def read_gated_workload(raw: Manifest, api_version: str, kind: str) -> GatedWorkload:
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
