"""Say which workloads' pods wait at their gate, for what, and since when."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.status import Status
from alembic_operator.core import names, times
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.conditions import reason_of
from alembic_operator.core.observation.gated_pods import GatedPod, Owner
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.observation.source import PodParts
from alembic_operator.core.runs import messages

HELD_AFTER = timedelta(seconds=3)
"""A pod that finds its revision there is through before that, and worth no word."""

_NAMED = 3

_CANNOT_RUN = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError")
"""The kubelet's reasons for a gate that it cannot start; that an image cannot be pulled is no matter of the gate."""


@dataclass(frozen=True)
class HeldPods:
    """The pods that wait."""

    pods: int = 0
    workloads: tuple[str, ...] = ()
    """Of each ReplicaSet, or what else made the pods, one sentence: who waits for what since when."""
    notices: tuple[Notice, ...] = ()
    requeue_after: float | None = None
    """Seconds until a pod that has just come to its gate counts as held."""
    sentence: str = ""
    """Those that have waited longest, for a status; empty: nobody waits."""


@dataclass(frozen=True)
class _Group:
    """The pods of one ReplicaSet that wait."""

    pods: tuple[GatedPod, ...]
    since: datetime
    why: str

    @property
    def first(self) -> GatedPod:
        return self.pods[0]


def held_pods(seen: Observation, status: Status) -> HeldPods:
    """Return who waits, in the words of what `status` knows of the revisions."""
    groups: dict[Owner, list[tuple[datetime, GatedPod]]] = defaultdict(list)
    soon: list[float] = []
    for pod in seen.gated:
        since = _waits_since(pod)
        if since is None or pod.name == _migrating(status):
            continue
        wait = (since + HELD_AFTER - seen.now).total_seconds()
        if wait > 0:
            soon.append(wait)
        else:
            groups[pod.owner].append((since, pod))
    told = [_group(waiting, seen, status) for waiting in groups.values()]
    told.sort(key=lambda one: (one.since, one.first.owner.name))
    return HeldPods(
        pods=sum(len(one.pods) for one in told),
        workloads=tuple(map(_said, told)),
        sentence=_sentence(told),
        notices=tuple(_notice(one, seen) for one in told),
        requeue_after=min(soon, default=None),
    )


def _waits_since(pod: GatedPod) -> datetime | None:
    """Return since when a pod is at its closed gate; None: it is not."""
    gate = pod.gate
    if pod.ended or gate is None or gate.opened:
        return None
    if gate.has_failed or gate.waiting_reason in _CANNOT_RUN:
        return moment(pod.created_at)  # it starts again and again: only this time stays the same
    return moment(gate.running_since)


def _group(waiting: list[tuple[datetime, GatedPod]], seen: Observation, status: Status) -> _Group:
    waiting.sort(key=lambda one: (one[0], one[1].name))
    pods = tuple(pod for _, pod in waiting)
    return _Group(pods, waiting[0][0], _why(pods[0], seen, status))


def _why(pod: GatedPod, seen: Observation, status: Status) -> str:
    """Return what a pod waits for, as far as that can be told from outside of it."""
    gate = pod.gate
    if gate and gate.has_failed:
        told = status.last_run is not None and status.last_run.pod is not None  # it is what the status tells anyway
        said = f": {gate.result.error.message}" if gate.result and gate.result.error and not told else ""
        return f"because its gate ends with exit code {gate.exit_code}{said}"
    if gate and gate.waiting_reason:
        return "because its gate cannot start"
    if _migrating(status):
        return "for the pod that migrates"
    image = gate.image if gate else ""
    runs = seen.source.container.get("image", "") if isinstance(seen.source, PodParts) else ""
    if runs and runs != image:
        return f"for what {image} needs (the migration runs {runs})"
    revisions = status.revisions
    if revisions and revisions.pending and _is_told_of_now(status):
        return f"for revision {messages.heads(revisions.target)}"
    awaited = seen.migration.spec.policy.await_import if seen.migration.spec else None
    has_all = awaited and revisions and revisions.pending == 0
    return f"for the rows of DatabaseImport {awaited}" if has_all else f"for what {image} needs"


def _is_told_of_now(status: Status) -> bool:
    """Return whether the last run, which found the revisions, is of what is asked for now, and not of before."""
    last = status.last_run
    return last is not None and last.outcome == reason_of(status.conditions)


def _migrating(status: Status) -> str | None:
    """Return the pod that runs the migration now, as far as can be told; None: no pod does, but a Job may."""
    return status.last_run.pod if status.last_run and not status.last_run.finished_at else None


def _sentence(told: list[_Group]) -> str:
    more = sum(len(one.pods) for one in told[_NAMED:])
    return "; ".join([*map(_said, told[:_NAMED]), *([f"and {more} more"] if more else [])])


def _said(one: _Group) -> str:
    count = f"{len(one.pods)} pod{'s' if len(one.pods) > 1 else ''}"
    return f"{count} of {one.first.workload} held since {times.text(one.since)}, {one.why}"


def _notice(group: _Group, seen: Observation) -> Notice:
    pod = group.first
    return Notice(
        Occasion.PODS_HELD,
        f"pods of {pod.told_of} wait at their gate since {times.text(group.since)}, {group.why};"
        f" kubectl logs {pod.name} -c {names.GATE_CONTAINER} says more",
        regarding=seen.workload_of(pod),
        identity=pod.owner.uid,
    )
