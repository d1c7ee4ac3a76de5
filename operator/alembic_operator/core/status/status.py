"""Write a decision as the status, from which a person and the next decision can tell what happened."""

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.api.status import DatabaseStatus, HistoryEntry, LastRun, RunError, Status
from alembic_operator.core.decision import Decision
from alembic_operator.core.gates.held_pods import HeldPods
from alembic_operator.core.gates.known_images import known_images
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.fleet import at_rest, recalled, shrunk, told, unknown
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.observation.results import known
from alembic_operator.core.runs import messages, run
from alembic_operator.core.status import conditions, progress
from alembic_operator.core.status.looks import found_nothing
from alembic_operator.core.status.shown import shown

_HISTORY = 10

_MOST_BYTES = 16_384
"""Of a whole status as JSON: it is stored, sent and watched with the object each time that it changes."""

_MOST_BYTES_OF_TENANTS = 8192
"""Of one with tenants, which is written every ten seconds for as long as a long run lasts."""

_MORE, _SHORT, _SHORTEST = 2048, 1024, 128
"""Characters of what is said beside the decision; of a message where much else is said already."""


def status_after(seen: Observation, decision: Decision) -> Status:
    """Return the status that follows; what the decision does not speak of stays as it was."""
    before, generation = seen.migration.status, seen.migration.generation
    done = decision.finished
    starts = decision.under_way is not None and not (
        before.last_run and before.last_run.identity == decision.under_way.identity
    )
    last = done.run if done else decision.under_way or before.last_run
    revisions = done.revisions if done else known(before.revisions) if starts else before.revisions
    return Status(
        observed_generation=generation,
        conditions=conditions.conditions(
            before.conditions, decision.reason, decision.message, generation=generation, now=seen.now
        ),
        image=(done.image if done else None) or before.image,
        revisions=revisions,
        shown=shown(revisions),
        database=_database(seen),
        last_run=last,
        progress=progress.told(seen.progress) if decision.reason is Reason.MIGRATING else None,
        tenants=_tenants(seen, decision, starts=starts),
        history=_history(before, decision),
        known_images=known_images(seen, decision),
    )


def with_held_pods(status: Status, held: HeldPods, cannot_read: str = "") -> Status:
    """Return the status with the pods that wait, and what cannot be read, also in the words of every condition."""
    more = "".join(f"; {one}" for one in (held.sentence, cannot_read) if one)
    if not more:
        return status
    more = messages.bounded(more, _MORE)
    left = conditions.LONGEST_MESSAGE - len(more)
    told = tuple(
        one.model_copy(update={"message": f"{messages.bounded(one.message, left)}{more}"}) for one in status.conditions
    )
    return status.model_copy(update={"conditions": told, "held_pods": held.pods})


def fitting(status: Status) -> Status:
    """Return a status without what is missed least, until it is as small as one should be."""
    most = _MOST_BYTES_OF_TENANTS if status.tenants else _MOST_BYTES
    while _bytes(status) > most and status.history:  # asked once in nearly all looks
        status = status.model_copy(update={"history": status.history[:-1]})
    if _bytes(status) > most:
        status = _with_short_messages(status, _SHORT)
    while status.tenants and _bytes(status) > most and (shorter := shrunk(status.tenants)):
        status = status.model_copy(update={"tenants": shorter})
    if status.tenants and _bytes(status) > most:
        status = _with_short_messages(_without_details(status), _SHORTEST)
    return status


def _with_short_messages(status: Status, longest: int) -> Status:
    shorter = (one.model_copy(update={"message": messages.bounded(one.message, longest)}) for one in status.conditions)
    return status.model_copy(update={"conditions": tuple(shorter)})


def _without_details(status: Status) -> Status:
    """Return it without what the Job's log tells as well."""
    last = status.last_run
    if last is None:
        return status
    error = last.error and RunError(sqlstate=last.error.sqlstate, revision=last.error.revision)
    less = {"error": error, "applied": (), "from_": (), "to": (), "warnings": ()}
    return status.model_copy(update={"last_run": last.model_copy(update=less)})


def _bytes(status: Status) -> int:
    return len(status.model_dump_json(by_alias=True, exclude_none=True, exclude_defaults=True).encode())


def _tenants(seen: Observation, decision: Decision, *, starts: bool) -> TenantsStatus | None:
    """Return how the tenants stand: as the run that has ended says, or the one under way, or as they stood before."""
    spec, before = seen.migration.spec, seen.migration.status.tenants
    if spec is None or spec.tenants is None:
        return None
    if decision.finished:
        return decision.finished.tenants
    if decision.under_way is None:
        return before
    now = told(seen.progress.tenants) if seen.progress and decision.reason is Reason.MIGRATING else None
    return recalled(now, before) if now else (unknown(before) if starts else at_rest(before))


def _database(seen: Observation) -> DatabaseStatus | None:
    """Return where the StatefulSet leads; while it is not there, where it led."""
    reference = seen.migration.spec and seen.migration.spec.database and seen.migration.spec.database.stateful_set_ref
    if not reference:
        return None
    if isinstance(seen.server, DatabaseServer):
        return DatabaseStatus(stateful_set=reference.name, host=seen.server.host, port=seen.server.port)
    before = seen.migration.status.database
    return before if before and before.stateful_set == reference.name else None


def _history(before: Status, decision: Decision) -> tuple[HistoryEntry, ...]:
    done = decision.finished
    if done is None or run.same_run(before.last_run, done.run) or found_nothing(before, decision):
        return before.history
    entry = HistoryEntry(
        finished_at=done.run.finished_at or "",
        from_=done.run.from_,
        to=done.run.to,
        image=done.image or None,
        outcome=str(decision.reason),
    )
    if entry in before.history:  # the same Job again, after a change of mind: it was told when it ended
        return before.history
    if _came_late(before.last_run, done.run):
        return (entry, *before.history[1:])
    # An outage must not push out what was before it: of the same failure in a row, the last one is kept.
    newest = before.history[0] if before.history else None
    repeated = newest is not None and decision.reason.effect is Effect.RECONCILING and newest.outcome == entry.outcome
    return (entry, *before.history[1 if repeated else 0 :])[:_HISTORY]


def _came_late(told: LastRun | None, new: LastRun) -> bool:
    """Return whether a pod that had only waited for this one's run was told of first."""
    same = told is not None and (told.identity, told.outcome) == (new.identity, new.outcome)
    return same and new.pod is not None and (new.finished_at or "") <= ((told and told.finished_at) or "")
