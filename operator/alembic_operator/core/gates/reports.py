"""Weigh what the gates of pods that migrate by themselves have reported."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun
from alembic_operator.core.decision import Decision, Finished
from alembic_operator.core.observation.gated_pods import Gate, GatedPod
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.results import revisions
from alembic_operator.core.runs import messages, run


@dataclass(frozen=True)
class Report:
    """How one gate ended last, or what the status remembers of one."""

    reason: Reason
    run: LastRun
    pending: int
    finished: Finished | None = None
    """None: the status tells it already."""

    @property
    def settles(self) -> bool:
        """Whether time alone changes nothing about it."""
        return self.reason.effect is not Effect.RECONCILING

    @property
    def speaks(self) -> bool:
        """Whether it says what the database contains; a failure to reach it, or to get a lock, may not."""
        return self.settles or self.pending > 0

    @property
    def age(self) -> tuple[str, bool, bool]:
        """The newest is the greatest; of one second, a success was the last to happen, for it ends all failures."""
        return self.run.finished_at or "", self.reason.effect is Effect.READY, self.finished is None


def reports(seen: Observation, name: str, pods: Iterable[GatedPod]) -> list[Report]:
    """Return every report that speaks of what the database contains now, with the one that the status remembers."""
    status, memory = seen.migration.status, _remembered(seen, name)
    found = [one for pod in pods if (one := _report(seen, name, pod))]
    own = memory.run.finished_at if memory else None
    told_at = max((one.finished_at for one in status.history if one.finished_at != own), default="")
    # In one second a pod may fail, and another one succeed after that was told.
    fresh = [one for one in found if one.age[:2] >= (told_at, True)]
    if memory:
        return [memory, *(one for one in fresh if not _same_end(memory.run, one.run))]
    # After something else ran, a success of before still holds when it read back what was read back last.
    current = set(status.revisions.current) if status.revisions else None
    return fresh or [one for one in found if one.reason.effect is Effect.READY and set(one.run.to) == current]


def _remembered(seen: Observation, name: str) -> Report | None:
    status = seen.migration.status
    last = status.last_run
    if last is None or last.identity != name or not last.finished_at:
        return None
    return Report(run.outcome(last), last, (status.revisions and status.revisions.pending) or 0)


def _report(seen: Observation, name: str, pod: GatedPod) -> Report | None:
    """Return how a pod's gate ended last; None: it has not, or without a word."""
    gate = pod.gate
    if gate is None or gate.exit_code is None or (gate.exit_code == 0 and gate.result is None):
        return None
    status = seen.migration.status
    end = run.pod_ending(as_pod(pod, gate))
    last = status.last_run if status.last_run and status.last_run.identity == name else None
    late = last and last.finished_at and gate.finished_at <= last.finished_at  # one that ended later was told first
    begun = LastRun(
        pod=pod.name,
        inputs=name,
        attempt=last.attempt if last and late else run.attempt(last, name),
        started_at=gate.started_at or None,
        finished_at=gate.finished_at or pod.created_at,
    )
    ended = run.with_end(begun, end)
    done = Finished(run=ended, revisions=revisions(status.revisions, end.result), image=gate.running_image)
    return Report(end.reason, ended, end.result.pending if end.result else 0, done)


def as_pod(pod: GatedPod, gate: Gate) -> Pod:
    """Return a pod in the words of one that runs a migration and does nothing else."""
    return Pod(
        name=pod.name,
        job="",
        created_at=pod.created_at,
        phase="",
        running=bool(gate.running_since),
        waiting_reason=gate.waiting_reason,
        waiting_message=gate.waiting_message,
        unschedulable=pod.unschedulable,
        exit_code=gate.exit_code,
        terminated_reason=gate.ended_reason,
        terminated_message=gate.ended_message,
        finished_at=gate.finished_at,
        image=gate.running_image,
        result=gate.result,
    )


def _same_end(one: LastRun, other: LastRun) -> bool:
    return (one.pod, one.finished_at, one.outcome) == (other.pod, other.finished_at, other.outcome)


def that_did_it(reports: Iterable[Report], last: Report) -> Report:
    """Return the run to tell of: of many pods that found the same, the one that had something to do."""
    if last.reason.effect is not Effect.READY:
        return last
    same = [one for one in reports if one.reason is last.reason and set(one.run.to) == set(last.run.to)]
    otherwise = max((one.age for one in reports if one.speaks and one not in same), default=("",))
    same = [one for one in same if one.age > otherwise]
    if busy := [one for one in same if one.run.applied_count]:
        return max(busy, key=lambda one: one.age)
    return next((one for one in same if one.finished is None), min(same, key=lambda one: (one.age, one.run.pod or "")))


def told(seen: Observation, name: str, report: Report) -> Decision:
    """Return the decision of a report; one that repeats what the status tells, as a tenth pod's, is no new run."""
    memory = _remembered(seen, name)
    if memory and (report.finished is None or not _is_news(report.run, memory.run)):
        return Decision(memory.reason, messages.ended(memory.reason, memory.run, seen.migration.status.revisions))
    revisions = report.finished.revisions if report.finished else None
    return Decision(report.reason, messages.ended(report.reason, report.run, revisions), finished=report.finished)


def _is_news(new: LastRun, told: LastRun) -> bool:
    return bool(new.applied_count) or _gist(new) != _gist(told)


def _gist(one: LastRun) -> tuple[str | None, set[str], object]:
    return one.outcome, set(one.to), one.error and (one.error.sqlstate, one.error.revision)
