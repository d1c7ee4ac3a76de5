"""Tell what is new of an import as Events: started, succeeded, failed, held."""

from alembic_operator.api.imports import ImportStatus
from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core.actions import CreateJob, Notice
from alembic_operator.core.imports.case import Case
from alembic_operator.core.imports.decide import Decided
from alembic_operator.core.observation.conditions import reason_of, reconciling_since

_QUIET = (Reason.PENDING, Reason.IMPORTING)
"""What goes as it should."""

_GRACE = 10.0
"""Seconds: who installs an application does so with all of its parts, in any order."""
_NEWS = 3600.0
"""Seconds for which the API server keeps an Event; who waits for longer was told of when it was new."""


def notices(case: Case, after: ImportStatus, decided: Decided) -> tuple[Notice, ...]:
    """Return one Event for a start, and one for an end or a wait that was not there before."""
    if isinstance(decided.action, CreateJob):
        name = decided.action.manifest["metadata"]["name"]
        return (Notice(Occasion.STARTED, f"Job {name} was created"),)
    return _outcome(case, after, decided)


def _outcome(case: Case, after: ImportStatus, decided: Decided) -> tuple[Notice, ...]:
    before, reason = case.seen.asked.status, decided.reason
    said = f"{reason}: {decided.message}"
    changed = reason_of(before.conditions) != str(reason)
    if reason is Reason.WAITING_FOR_MIGRATION:
        return _held_by_migration(case, after, said, changed=changed)
    newly_ended = after.finished_at is not None and _run(before) != _run(after)
    if reason.effect is Effect.READY:
        return (Notice(Occasion.SUCCEEDED, decided.message),) if before.imported_at is None else ()
    if newly_ended or (reason.effect is Effect.STALLED and changed):
        return (Notice(Occasion.FAILED, said, warning=True),)
    return (Notice(Occasion.HELD, said),) if changed and reason not in _QUIET else ()


def _run(status: ImportStatus) -> tuple[object, ...]:
    return status.job, status.attempt, status.finished_at


def _held_by_migration(case: Case, after: ImportStatus, said: str, *, changed: bool) -> tuple[Notice, ...]:
    """Return the Event on a wait that has lasted: the same one each time, which is written once."""
    waited, asked = waits(case, after), case.seen.asked
    if waited < _GRACE or not (changed or waited < _NEWS):
        return ()
    identity = f"{asked.uid} {asked.generation} {reconciling_since(after.conditions)}"
    return (Notice(Occasion.HELD, said, identity=identity),)


def waits(case: Case, after: ImportStatus) -> float:
    """Return for how many seconds an import has been waiting."""
    since = reconciling_since(after.conditions)
    return case.seconds_since(since) if since else 0.0


def requeue_after(case: Case, after: ImportStatus, decided: Decided) -> float | None:
    """Return when to look again: also when a wait for the migration has become worth an Event."""
    left = _GRACE - waits(case, after)
    if decided.reason is Reason.WAITING_FOR_MIGRATION and left > 0:
        return left
    return decided.requeue_after
