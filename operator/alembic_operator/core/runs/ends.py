"""Read from a finished Job and its pods how its run ended: of one pod, or of one for each server."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from alembic_operator.api.meta import SENTENCE_LENGTH
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.contract import Failure, Result
from alembic_operator.contract.servers import merged
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.results import can_be_told
from alembic_operator.core.runs.run import RunEnd, last_phases, pod_ending, pods_of

_WORST = (Effect.STALLED, Effect.RECONCILING, Effect.READY)
"""Of the servers, the first that ended so is spoken of: as of tenants, what nothing heals by itself comes first."""


def has_report(job: Job, pods: Iterable[Pod]) -> bool:
    """Return whether the pods that ended a Job are known: the two watches tell their news in any order."""
    newest: dict[str, Pod] = {}
    for pod in pods_of(job, pods):
        newest.setdefault(pod.server, pod)
    of_each = (newest.get(server) for server in job.servers or ("",))
    return all(one is not None and one.phase in last_phases(job) for one in of_each)


def ending(job: Job, pods: Iterable[Pod]) -> RunEnd | None:
    """Return how a finished Job ended; None when a last report is gone with its pod."""
    last = _last_of(job, pods_of(job, pods))
    if job.outcome == "Complete" and not all(pod and pod.result for pod in last.values()):
        return None
    ends = {server: pod_ending(pod) if pod else None for server, pod in last.items()}
    end = _together(ends) if job.servers else ends[""]
    return _overdue(end) if job.failure == "DeadlineExceeded" else end


def _overdue(end: RunEnd | None) -> RunEnd:
    error = (end and end.result and end.result.error) or Failure("policy.deadline is over")
    return RunEnd(Reason.DEADLINE_EXCEEDED, error, end.result if end else None, end.pod if end else None)


def _last_of(job: Job, own: list[Pod]) -> dict[str, Pod | None]:
    """Return for each server the last pod that has ended; of a Job without servers under no name."""
    return {server: _last(job, [one for one in own if one.server == server]) for server in job.servers or ("",)}


def _last(job: Job, own: list[Pod]) -> Pod | None:
    return next((pod for pod in own if pod.phase in last_phases(job)), None)


def _together(ends: Mapping[str, RunEnd | None]) -> RunEnd | None:
    """Return one end: that of the server that ended worst, with what all report."""
    known = {server: end for server, end in ends.items() if end}
    if not known:
        return None
    lead = min(known, key=lambda server: _WORST.index(known[server].reason.effect))
    result = merged({server: _report(end) if end else None for server, end in ends.items()}, lead)
    if result.error:
        result = replace(result, error=replace(result.error, message=result.error.message[:SENTENCE_LENGTH]))
    if not can_be_told(result):  # all together is more than a status holds
        result = replace(_report(known[lead]), tenants=result.tenants)
    return replace(known[lead], error=result.error, result=result)


def _report(end: RunEnd) -> Result:
    """Return what a pod reported, or what is known of its end without a report."""
    return end.result or Result(str(end.reason), error=end.error)
