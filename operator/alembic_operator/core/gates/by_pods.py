"""Judge a migration that pods run themselves (spec.strategy InitContainer), by what their gates reported."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun
from alembic_operator.core import names
from alembic_operator.core.gates.made_for import Inputs, anew, only_waits, pods_made_for
from alembic_operator.core.observation.gated_pods import Gate, GatedPod
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.results import revisions
from alembic_operator.core.runs import messages, progress, run
from alembic_operator.core.verdict import Finished, Verdict

_NO_PROBLEM = ("", "PodInitializing", "ContainerCreating", "CrashLoopBackOff")
"""What the kubelet says of a gate that it will start by itself."""


@dataclass(frozen=True)
class _Report:
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


def judge(seen: Observation, name: str, inputs: Inputs) -> Verdict:
    """Return how the migration stands; `name` is that of the Job which the same inputs would make."""
    pods = pods_made_for(inputs, seen.gated)
    reports = _reports(seen, name, pods)
    # A failure that says nothing of the revisions, such as a database that is down, takes back no success.
    last = max((one for one in reports if one.speaks), key=lambda one: one.age, default=None)
    if last and last.settles:
        return _told(seen, name, _that_did_it(reports, last))
    last = max(reports, key=lambda one: one.age, default=None)
    running = [pod for pod in pods if _runs(pod)]
    if at_first := [pod for pod in running if not _failed(pod)] or ([] if reports else running):
        return _migrating(seen, name, at_first, alone=len(running) == 1)
    if last and not all(pod.ended for pod in pods):
        told = _told(seen, name, last)
        return Verdict(told.reason, f"{told.message}; its pods try again", finished=told.finished)
    return _kept_from_starting(pods) or _nobody(seen, inputs, pods)


def _reports(seen: Observation, name: str, pods: Iterable[GatedPod]) -> list[_Report]:
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


def _remembered(seen: Observation, name: str) -> _Report | None:
    status = seen.migration.status
    last = status.last_run
    if last is None or last.identity != name or not last.finished_at:
        return None
    return _Report(run.outcome(last), last, (status.revisions and status.revisions.pending) or 0)


def _report(seen: Observation, name: str, pod: GatedPod) -> _Report | None:
    """Return how a pod's gate ended last; None: it has not, or without a word."""
    gate = pod.gate
    if gate is None or gate.exit_code is None or (gate.exit_code == 0 and gate.result is None):
        return None
    status = seen.migration.status
    end = run.pod_ending(_as_pod(pod, gate))
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
    return _Report(end.reason, ended, end.result.pending if end.result else 0, done)


def _as_pod(pod: GatedPod, gate: Gate) -> Pod:
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


def _that_did_it(reports: Iterable[_Report], last: _Report) -> _Report:
    """Return the run to tell of: of many pods that found the same, the one that had something to do."""
    if last.reason.effect is not Effect.READY:
        return last
    same = [one for one in reports if one.reason is last.reason and set(one.run.to) == set(last.run.to)]
    otherwise = max((one.age for one in reports if one.speaks and one not in same), default=("",))
    same = [one for one in same if one.age > otherwise]
    if busy := [one for one in same if one.run.applied_count]:
        return max(busy, key=lambda one: one.age)
    return next((one for one in same if one.finished is None), min(same, key=lambda one: (one.age, one.run.pod or "")))


def _told(seen: Observation, name: str, report: _Report) -> Verdict:
    """Return the verdict of a report; one that repeats what the status tells, as that of a tenth pod, is no new run."""
    memory = _remembered(seen, name)
    if memory and (report.finished is None or not _is_news(report.run, memory.run)):
        return Verdict(memory.reason, messages.ended(memory.reason, memory.run, seen.migration.status.revisions))
    revisions = report.finished.revisions if report.finished else None
    return Verdict(report.reason, messages.ended(report.reason, report.run, revisions), finished=report.finished)


def _is_news(new: LastRun, told: LastRun) -> bool:
    return bool(new.applied_count) or _gist(new) != _gist(told)


def _gist(one: LastRun) -> tuple[str | None, set[str], object]:
    return one.outcome, set(one.to), one.error and (one.error.sqlstate, one.error.revision)


def _runs(pod: GatedPod) -> bool:
    return pod.gate is not None and bool(pod.gate.running_since)


def _failed(pod: GatedPod) -> bool:
    """Return whether a pod failed before, and only tries again: the status changes when it has ended."""
    return pod.gate is not None and pod.gate.has_failed


def _migrating(seen: Observation, name: str, running: list[GatedPod], *, alone: bool) -> Verdict:
    """Name the pod that came first, as long as it runs; only the database knows which one holds the lock."""
    last = seen.migration.status.last_run
    before = last.pod if last and last.identity == name and not last.finished_at else None
    since = {pod.name: pod.gate.running_since for pod in running if pod.gate}
    first = before if before in since else min(since, key=lambda pod: (since[pod], pod))
    said = "is migrating" if alone else "is migrating, or waits for the one that is"
    under_way = LastRun(pod=first, inputs=name, attempt=run.attempt(last, name), started_at=since[first])
    return Verdict(Reason.MIGRATING, f"pod {first} {said}", under_way=under_way)


def _kept_from_starting(pods: Iterable[GatedPod]) -> Verdict | None:
    for pod in sorted(pods, key=lambda one: one.name):
        gate = pod.gate
        if gate and not pod.ended and (pod.unschedulable or gate.waiting_reason not in _NO_PROBLEM):
            return progress.kept_from_starting(_as_pod(pod, gate))
    return None


def _nobody(seen: Observation, inputs: Inputs, pods: list[GatedPod]) -> Verdict:
    """Say why no pod has run the migration of these inputs, and what makes one run it."""
    there = [pod for pod in seen.gated if not pod.ended]
    waiting = [pod for pod in there if only_waits(pod) and pod.gate and pod.gate.image == inputs.image]
    if waiting:
        said = f"pods of {waiting[0].workload} only wait, for nobody: they were made for strategy Job"
        return Verdict(Reason.STRATEGY_MISMATCH, f"{said}; {anew(waiting[0].workload)}")
    return Verdict(Reason.WAITING_FOR_PODS, _missing(seen, inputs, there, [pod for pod in pods if not pod.ended]))


def _missing(seen: Observation, inputs: Inputs, there: list[GatedPod], pods: list[GatedPod]) -> str:
    name = seen.migration.name
    if not there:
        return (
            f"{inputs.workload} must have a pod with the label {names.MIGRATION_LABEL}={name}: the first one migrates"
        )
    if coming := [pod for pod in pods if pod.gate and pod.gate.exit_code is None]:
        return f"pod {coming[0].name} has not come to its gate yet"
    if pods:
        return f"the pods of {pods[0].workload} looked before something else ran; {anew(pods[0].workload)}"
    same = [pod for pod in there if pod.gate is None or pod.gate.image == inputs.image]
    if same:
        return f"pods of {same[0].workload} were made for another specification; {anew(same[0].workload)}"
    return f"no pod has the image {inputs.image} yet; the first one migrates"
