"""Read one run from its Job and pods: how it stands, or how it ended."""

from collections.abc import Iterable
from dataclasses import dataclass

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun
from alembic_operator.contract import VERSION, ExitCode, Failure, Result
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.results import newer_version, with_report

_NOT_STARTED = ("StartError", "ContainerCannotRun")
"""The kubelet's reasons for a command that could not be executed."""

_NOT_FOUND = ("executable file not found", "no such file or directory")

_FINAL_BY_EXIT_CODE: dict[int, Reason] = {
    ExitCode.USAGE: Reason.CONFIG_INVALID,
    ExitCode.SCRIPTS: Reason.BROKEN_SCRIPTS,
    ExitCode.DATABASE_AHEAD: Reason.DATABASE_AHEAD_BLOCKED,
    ExitCode.FAILED: Reason.REVISION_FAILED,
}
"""What stalls even when the runner could not say more than its exit code, or said it in a newer one's words."""


_REASONS = {str(reason): reason for reason in Reason}


@dataclass(frozen=True)
class RunEnd:
    """How a pod, or the whole Job, ended."""

    reason: Reason
    error: Failure | None
    result: Result | None
    pod: Pod | None


def pods_of(job: Job, pods: Iterable[Pod]) -> list[Pod]:
    """Return the Job's pods, newest first."""
    return sorted(
        (pod for pod in pods if pod.job_uid == job.uid), key=lambda pod: (pod.created_at, pod.name), reverse=True
    )


def has_begun(job: Job, pods: Iterable[Pod]) -> bool:
    """Return whether a pod of the Job runs, or has ended and no other one has come yet."""
    own = pods_of(job, pods)
    return any(one.running for one in own) or (bool(own) and all(one.ended for one in own))


def last_phases(job: Job) -> tuple[str, ...]:
    """Return how the last pod of a finished Job can have ended."""
    return ("Succeeded",) if job.outcome == "Complete" else ("Succeeded", "Failed")


def pod_ending(pod: Pod) -> RunEnd:
    """Return how a pod ended, in the runner's own words where it left any."""
    if pod.result:
        return RunEnd(_REASONS.get(pod.result.reason) or _by_exit_code(pod), pod.result.error, pod.result, pod)
    reason, error = _without_result(pod)
    return RunEnd(reason, error, None, pod)


def _by_exit_code(pod: Pod) -> Reason:
    """Return what a report means whose reason only a newer operator knows."""
    if pod.exit_code == ExitCode.OK:
        return Reason.UP_TO_DATE
    return _FINAL_BY_EXIT_CODE.get(pod.exit_code or 0, Reason.RETRYING)


def _without_result(pod: Pod) -> tuple[Reason, Failure]:
    if pod.terminated_reason in _NOT_STARTED:
        message = pod.terminated_message.splitlines()[0] if pod.terminated_message else "the container did not start"
        missing = any(text in message for text in _NOT_FOUND)
        hint = "spec.alembic.python must name a Python that the image has" if missing else ""
        return (Reason.ALEMBIC_NOT_FOUND if missing else Reason.CONTAINER_REFUSED), Failure(message, hint=hint)
    if pod.terminated_reason == "OOMKilled":
        return Reason.RETRYING, Failure(
            "the migration ran out of memory", hint="raise the memory limit of its container, or use spec.jobTemplate"
        )
    if pod.exit_code == ExitCode.TERMINATED:
        return Reason.INTERRUPTED, Failure("the pod was asked to stop before it could report")
    ended = "its node lost it" if pod.exit_code is None else f"exit code {pod.exit_code}"
    hint = f"read its log: kubectl logs {pod.name} --all-containers"
    reason = _FINAL_BY_EXIT_CODE.get(pod.exit_code or 0, Reason.RETRYING)
    if version := newer_version(pod.terminated_message):
        said = f"reported in version {version} of the contract, and this operator reads version {VERSION} ({ended})"
        return reason, Failure(f"pod {pod.name} {said}", hint="its runner is of a newer operator: update this one")
    return reason, Failure(f"pod {pod.name} ended without a report ({ended})", hint=hint)


def last_run(job: Job, end: RunEnd) -> LastRun:
    """Return a finished run of a Job for the status."""
    finished_at = job.finished_at or (end.pod.finished_at if end.pod else None) or job.started_at
    begun = LastRun(job=job.name, attempt=job.attempt, started_at=job.started_at or None, finished_at=finished_at)
    return with_end(begun, end)


def effect_of(reason: str) -> Effect | None:
    """Return what a reason means that somebody else wrote; None: it is none."""
    found = _REASONS.get(reason)
    return found.effect if found else None


def outcome(last: LastRun) -> Reason:
    """Return the reason that a run ended with which only the status remembers."""
    return _REASONS.get(last.outcome or "", Reason.RETRYING)


def attempt(last: LastRun | None, name: str) -> int:
    """Return which attempt of these inputs the next run is, or the one that is under way."""
    if last is None or last.identity != name:
        return 1
    return last.attempt + 1 if last.finished_at else last.attempt


def with_end(begun: LastRun, end: RunEnd) -> LastRun:
    """Return a run with what it found and did, and why it failed."""
    return with_report(begun, end.reason, end.error, end.result)


def same_run(one: LastRun | None, other: LastRun | None) -> bool:
    """Return whether both are the same run, and it had ended."""
    if one is None or other is None or not one.finished_at:
        return False
    return _who(one) == _who(other)


def _who(one: LastRun) -> tuple[str, str | None, int, str | None]:
    return one.identity, one.pod, one.attempt, one.finished_at
