"""Say which workloads' pods wait at their gate, for what, and since when."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta

from alembic_operator.api.reasons import Occasion
from alembic_operator.api.status import Status
from alembic_operator.core import messages, names, times
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation import GatedPod, Observation, Owner, PodParts

_HELD_AFTER = timedelta(seconds=3)
"""A pod that finds its revision there is through before that, and worth no word."""

_NAMED = 3


@dataclass(frozen=True)
class Held:
    """The pods that wait."""

    pods: int = 0
    sentence: str = ""
    """Who waits for what since when; empty: nobody."""
    notices: tuple[Notice, ...] = ()
    look_again: float | None = None
    """Seconds until a pod that has just come to its gate counts as held."""


def held(seen: Observation, status: Status) -> Held:
    """Return who waits, in the words of what `status` knows of the revisions."""
    groups: dict[Owner, list[GatedPod]] = defaultdict(list)
    soon: list[float] = []
    for pod in seen.gated:
        since = _waits_since(pod)
        if since is None:
            continue
        wait = (times.moment(since) + _HELD_AFTER - seen.now).total_seconds()
        if wait > 0:
            soon.append(wait)
        else:
            groups[pod.owner].append(pod)
    told = [(owner, pods, _what(pods[0], seen, status)) for owner, pods in sorted(groups.items(), key=_by_name)]
    more = len(told) - _NAMED
    sentence = "; ".join(_sentence(pods, what) for _, pods, what in told[:_NAMED])
    return Held(
        pods=sum(map(len, groups.values())),
        sentence=sentence + (f"; and {more} more" if more > 0 else ""),
        notices=tuple(Notice(Occasion.PODS_HELD, _note(pods[0], what), regarding=owner) for owner, pods, what in told),
        look_again=min(soon, default=None),
    )


def _by_name(group: tuple[Owner, list[GatedPod]]) -> str:
    return group[0].name


def _waits_since(pod: GatedPod) -> str | None:
    """Return since when a pod is at its closed gate; None: it is not."""
    if pod.ended or pod.gate is None or pod.gate.opened:
        return None
    return pod.gate.running_since or (pod.gate.finished_at or None)


def _sentence(pods: list[GatedPod], what: str) -> str:
    count = "1 pod" if len(pods) == 1 else f"{len(pods)} pods"
    since = times.text(min(times.moment(_waits_since(pod) or "") for pod in pods))
    return f"{count} of {pods[0].workload} held since {since}, for {what}"


def _note(pod: GatedPod, what: str) -> str:
    return f"pods of {pod.workload} wait for {what}; kubectl logs {pod.name} -c {names.GATE_CONTAINER} says more"


def _what(pod: GatedPod, seen: Observation, status: Status) -> str:
    """Return what a pod waits for, as far as that can be told from outside of it."""
    image = pod.gate.image if pod.gate else ""
    if not isinstance(seen.source, PodParts) or seen.source.container.get("image") != image:
        return f"what {image} needs, which is not the image that this migration runs"
    if status.revisions and status.revisions.pending:
        return f"revision {messages.heads(status.revisions.target)}"
    return f"what {image} needs"
