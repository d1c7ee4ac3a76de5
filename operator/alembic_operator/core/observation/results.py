"""Turn what a runner reports into what a status tells."""

import json

from alembic_operator.api.meta import MOST_SENTENCES, SENTENCE_LENGTH
from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import Applied, LastRun, RevisionsStatus, RunError
from alembic_operator.contract import VERSION, Failure, Result

_MOST = 2**31 - 1
"""Revisions that a Result can count."""


def can_be_told(result: Result) -> bool:
    """Return whether a status may hold all of a Result: whoever writes a termination message may write anything."""
    try:
        LastRun.model_validate(with_report(LastRun(attempt=1), Reason.UP_TO_DATE, result.error, result).model_dump())
        revisions(None, result)
    except (ValueError, OverflowError):
        return False
    return 0 <= result.pending <= _MOST and 0 <= result.applied_count <= _MOST


def with_report(begun: LastRun, reason: Reason, error: Failure | None, result: Result | None) -> LastRun:
    """Return a run with what it found and did, and why it failed."""
    told = run_error(error)
    if result is None:
        return begun.model_copy(update={"outcome": str(reason), "error": told})
    done = {
        "from_": result.from_,
        "to": result.to,
        "applied": tuple(Applied(revision=one.revision, seconds=one.ms / 1000) for one in result.applied),
        "applied_count": result.applied_count,
        "lock_seconds": result.lock_ms / 1000,
        "read_back_seconds": result.read_back_ms / 1000,
        "warnings": _handful(result.warnings),
    }
    return begun.model_copy(update={"outcome": str(reason), "error": told, **done})


def run_error(error: Failure | None) -> RunError | None:
    """Return an error for the status."""
    if error is None:
        return None
    return RunError(
        sqlstate=error.sqlstate or None,
        revision=error.revision or None,
        statement=error.statement or None,
        message=error.message or None,
        hint=error.hint or None,
        committed=_handful(error.committed),
    )


def _handful(texts: tuple[str, ...]) -> tuple[str, ...]:
    """Return as many as the status may hold, each as long as it may be."""
    return tuple(text[:SENTENCE_LENGTH] for text in texts[:MOST_SENTENCES])


def revisions(before: RevisionsStatus | None, result: Result | None) -> RevisionsStatus | None:
    """Return what the database contains, as far as the run could see; what was known before, where it saw nothing."""
    if result is None or (result.error and not (result.to or result.from_)):
        return known(before)
    current = result.to or result.from_
    return RevisionsStatus(
        current=current,
        target=result.target,
        pending=result.pending if _is_compared(result, current) else None,
        database_ahead=result.ahead,
    )


def _is_compared(result: Result, current: tuple[str, ...]) -> bool:
    """Return whether the target was found: where no script is called like it, a Result counts 0, which is not so."""
    return bool(result.target or result.pending or not current)


def known(before: RevisionsStatus | None) -> RevisionsStatus | None:
    """Return what stays true while another run is under way: the heads that were read back last."""
    return RevisionsStatus(current=before.current) if before else None


def newer_version(text: str) -> int | None:
    """Return the version of a Result that only a newer reader understands; None: it is none."""
    try:
        raw = json.loads(text)
        found = raw["version"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if type(found) is int and found > VERSION else None
