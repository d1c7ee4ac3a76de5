"""Judge what the API server has refused to store: a Job, or the runner."""

from alembic_operator.api.reasons import Occasion, Reason
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, Notice
from alembic_operator.core.observation.conditions import reconciling_since
from alembic_operator.core.observation.gated_pods import Owner
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation, Refusal
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.verdict import Verdict

_SOON, _SLOW = 2.0, 60.0
"""Seconds after which to ask again: at first, where it may pass quickly, and at last."""

_NEEDS_RUNNER = (Reason.PENDING, Reason.WAITING_FOR_PODS)
"""Waits for pods that mount it."""


def of_job(seen: Observation, refusal: Refusal) -> Verdict:
    """Return the verdict on a Job that was refused."""
    if refusal.forbidden:
        said = f"the Job is not admitted: {refusal.message}"
        return Verdict(Reason.JOB_FORBIDDEN, said, requeue_after=_as_long_again(seen))
    return Verdict(Reason.JOB_INVALID, f"the Job is invalid: {refusal.message}; correct spec.jobTemplate or the source")


def of_name(name: str, migration: Migration) -> Verdict:
    """Return the verdict on a Job whose name somebody else's has."""
    said = f"Job {name} is not of this migration, and has the name that its own needs"
    advice = f"kubectl delete job {name} --namespace {migration.namespace}"
    return Verdict(Reason.WAITING_FOR_PREVIOUS_JOB, f"{said}; {advice}", requeue_after=_SLOW)


def unless_runner_is_refused(seen: Observation, verdict: Verdict) -> Verdict:
    """Return a verdict, or that the runner is refused which it needs; nothing else becomes untrue by that."""
    needs_it = verdict.reason in _NEEDS_RUNNER or any(isinstance(one, CreateJob) for one in verdict.actions)
    if seen.refusal is None or not seen.refusal.of_runner or not needs_it:
        return verdict
    return Verdict(Reason.RUNNER_FORBIDDEN, _runner(seen.refusal), requeue_after=_as_long_again(seen))


def of_runner(seen: Observation, verdict: Verdict) -> tuple[Notice, ...]:
    """Tell once of a runner that is refused while the conditions are about something else: gates need it, too."""
    if seen.refusal is None or not seen.refusal.of_runner or verdict.reason is Reason.RUNNER_FORBIDDEN:
        return ()
    runner = Owner("v1", "ConfigMap", names.RUNNER_CONFIG_MAP, "")
    identity = f"{seen.migration.uid} runner"
    return (Notice(Occasion.HELD, _runner(seen.refusal), warning=True, regarding=runner, identity=identity),)


def _runner(refusal: Refusal) -> str:
    return f"ConfigMap {names.RUNNER_CONFIG_MAP} is not admitted: {refusal.message}"


def _as_long_again(seen: Observation) -> float:
    """Return for how long it has been waiting: an API server refuses for some seconds what was installed just now."""
    since = moment(reconciling_since(seen.migration.status.conditions))
    waited = (seen.now - since).total_seconds() if since else 0.0
    return min(max(waited, _SOON), _SLOW)
