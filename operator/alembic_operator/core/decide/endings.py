"""Decide about a run that has ended: what is told of it, and whether it is tried again."""

from dataclasses import replace
from datetime import datetime, timedelta

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import LastRun, Status
from alembic_operator.core import times
from alembic_operator.core.actions import DeleteJob
from alembic_operator.core.decision import Decision, Finished
from alembic_operator.core.observation.fleet import at_rest, recalled, told
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.observation.results import revisions
from alembic_operator.core.runs import messages, run

FIRST_DELAY = timedelta(minutes=1)
LONGEST_DELAY = timedelta(minutes=10)


def ended(seen: Observation, job: Job, end: run.RunEnd) -> Decision:
    """Return what follows from how a Job has ended."""
    before = seen.migration.status
    tenants = _tenants(seen.migration, end)
    if _lags(seen.migration, end, tenants):
        end = replace(end, reason=Reason.TENANTS_BEHIND)
    done = Finished(
        run=run.last_run(job, end),
        revisions=revisions(before.revisions, end.result),
        image=end.pod.image if end.pod else "",
        image_named=end.pod.image_named if end.pod else "",
        tenants=tenants,
    )
    said = messages.ended(end.reason, done.run, done.revisions, tenants)
    return at_slow_pace(seen, job, Decision(end.reason, said, finished=done))


def _tenants(migration: Migration, end: run.RunEnd) -> TenantsStatus | None:
    """Return how the tenants stand; as they were seen last, where the run did not come to look."""
    if migration.spec is None or migration.spec.tenants is None:
        return None
    found = told(end.result.tenants) if end.result else None
    return recalled(found, migration.status.tenants) if found else at_rest(migration.status.tenants)


def _lags(migration: Migration, end: run.RunEnd, tenants: TenantsStatus | None) -> bool:
    """Return whether a run that ended well has left a tenant behind, or says nothing of them: that is not Ready."""
    if migration.spec is None or migration.spec.tenants is None or end.reason.effect is not Effect.READY:
        return False
    reported = end.result is not None and end.result.tenants is not None
    return not reported or tenants is None or bool(tenants.silent) or tenants.up_to_date < tenants.total


def at_slow_pace(seen: Observation, job: Job, found: Decision) -> Decision:
    """Keep a decision that waiting does not change; else make the Job anew at the slow pace, for ever."""
    if found.reason.effect is not Effect.RECONCILING:
        return found
    due = (moment(job.finished_at) or seen.now) + delay(job.attempt)
    wait = (due - seen.now).total_seconds()
    if wait > 0:
        return replace(found, message=f"{found.message}; {_next(seen, job.attempt + 1, due)}", requeue_after=wait)
    return replace(found, actions=deletion(job))


def _next(seen: Observation, attempt: int, due: datetime) -> str:
    """Say when the next attempt starts."""
    if seen.migration.spec and seen.migration.spec.suspend:
        return f"spec.suspend is true; set it to false for attempt {attempt}, not before {times.text(due)}"
    return f"attempt {attempt} starts at {times.text(due)}"


def delay(attempt: int) -> timedelta:
    """Return how long to wait after the Job of this attempt (1, 2, ...) failed: a minute, doubling to ten."""
    doublings = min(attempt - 1, 10)
    return min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY)


def deletion(unwanted: Job) -> tuple[DeleteJob, ...]:
    """Return the deletion of a Job, unless somebody has asked for it already."""
    return () if unwanted.deleting else (DeleteJob(unwanted.name, unwanted.uid),)


def remembered(status: Status, last: LastRun) -> Decision:
    """Return what follows from a run that only the status remembers."""
    reason = run.outcome(last)
    return Decision(reason, messages.ended(reason, last, status.revisions, status.tenants))
