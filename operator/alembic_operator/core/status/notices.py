"""Tell what is new as Events: started, succeeded, failed, held."""

from collections.abc import Iterable
from datetime import timedelta

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import Status
from alembic_operator.core import names
from alembic_operator.core.actions import CreateJob, Notice
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import reason_of, reconciling_since
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.runs.run import same_run
from alembic_operator.core.status.looks import found_nothing

_FOR_OTHERS = (
    Reason.WAITING_FOR_WORKLOAD,
    Reason.WAITING_FOR_CONFIG_MAP,
    Reason.WAITING_FOR_DATABASE,
    Reason.WAITING_FOR_DEPENDENCY,
)
"""Who installs an application does so with all of its parts, and the watches tell of them, in any order."""

_GRACE = timedelta(seconds=10)
_NEWS = timedelta(hours=1)
"""For as long the API server keeps an Event; who waits for longer was told of when it was new."""


def notices(seen: Observation, after: Status, decision: Decision) -> tuple[Notice, ...]:
    """Return one Event for a start, and one for an outcome or a wait that was not there before."""
    before = seen.migration.status
    started = [
        Notice(Occasion.STARTED, f"Job {action.manifest['metadata']['name']} was created")
        for action in decision.actions
        if isinstance(action, CreateJob) and names.LOOKS not in action.manifest["metadata"]["annotations"]
    ]
    newly_ended = decision.finished is not None and not same_run(before.last_run, after.last_run)
    changed = reason_of(before.conditions) != str(decision.reason)
    if decision.reason in _FOR_OTHERS and not newly_ended:
        return (*started, *_held_by_others(seen, after, decision, changed=changed))
    newly_ended = newly_ended and not found_nothing(before, decision)
    return (*started, *_outcome(decision, newly_ended=newly_ended, changed=changed))


def replaced(news: str) -> tuple[Notice, ...]:
    """Return one Event for what stood in the runner's place: it is code that runs with the database's Secrets."""
    return (Notice(Occasion.RUNNER_REPLACED, news, warning=True),) if news else ()


def requeue_after(seen: Observation, after: Status, decision: Decision) -> float | None:
    """Return after how many seconds a wait for another object is worth an Event."""
    left = (_GRACE - _waited(seen, after)).total_seconds()
    return left if decision.reason in _FOR_OTHERS and left > 0 else None


def without_the_dying(seen: Observation, given: Iterable[Notice]) -> tuple[Notice, ...]:
    """Leave out what is told of workloads that are being deleted: there is nothing to do about it."""
    dying = {one.owner for one in seen.workloads if one.deleting}
    return tuple(one for one in given if one.regarding not in dying)


def _waited(seen: Observation, after: Status) -> timedelta:
    since = moment(reconciling_since(after.conditions))
    return seen.now - since if since else timedelta()


def _held_by_others(seen: Observation, after: Status, decision: Decision, *, changed: bool) -> tuple[Notice, ...]:
    """Return the Event on a wait that has lasted: the same one each time, which is written once."""
    waited = _waited(seen, after)
    if waited < _GRACE or not (changed or waited < _NEWS):
        return ()
    identity = _identity(seen.migration, reconciling_since(after.conditions), decision.reason)
    return (Notice(Occasion.HELD, f"{decision.reason}: {decision.message}", identity=identity),)


def _identity(migration: Migration, since: str, reason: Reason) -> str:
    return f"{migration.uid} {migration.generation} {since} {reason}"


def _outcome(decision: Decision, *, newly_ended: bool, changed: bool) -> tuple[Notice, ...]:
    effect = decision.reason.effect
    if effect is Effect.READY:
        return (Notice(Occasion.SUCCEEDED, decision.message),) if newly_ended else ()
    if newly_ended or (effect is Effect.STALLED and changed):
        return (Notice(Occasion.FAILED, f"{decision.reason}: {decision.message}", warning=True),)
    if changed and decision.reason not in (Reason.PENDING, Reason.SETTLING, Reason.MIGRATING):
        return (Notice(Occasion.HELD, f"{decision.reason}: {decision.message}"),)
    return ()
