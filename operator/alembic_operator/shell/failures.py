"""Remember the migrations at which each look fails, and decide when that is worth telling."""

from dataclasses import dataclass
from datetime import datetime

from alembic_operator.core.status import trouble
from alembic_operator.core.status.trouble import Trouble
from alembic_operator.kube.cache import Key
from alembic_operator.kube.errors import ApiError, UnreachableError

_IN_A_ROW, _LASTING = 3, 2.0
"""Failures, and seconds since the first of them: what passes sooner is not worth a status."""

_STAYS = 10.0
"""Seconds for which one trouble is told before another one is told instead."""


@dataclass
class _Failing:
    since: datetime
    times: int = 0
    last: Trouble | None = None
    kind: tuple[str, ...] = ()
    told: Trouble | None = None
    told_at: datetime | None = None
    is_told_elsewhere: bool = False


class Failures:
    """What is remembered of each migration from its first failure until a look at it succeeds."""

    def __init__(self) -> None:
        self._failing: dict[Key, _Failing] = {}

    def remember(self, key: Key, error: Exception, now: datetime) -> bool:
        """Take in a failure; return whether it is another one than the last."""
        failing = self._failing.setdefault(key, _Failing(since=now))
        failing.times += 1
        if (kind := _kind(error)) == failing.kind:
            return False  # perhaps in other words, with another address or time in them
        failing.kind, failing.last = kind, _trouble(error, failing.since)
        return True

    def worth_telling(self, key: Key, now: datetime, *, at_once: bool) -> Trouble | None:
        """Return the trouble that the status should tell of now; None: it may pass."""
        failing = self._failing[key]
        lasts = failing.times >= _IN_A_ROW and (now - failing.since).total_seconds() >= _LASTING
        if failing.told_at is None and not (lasts or at_once):
            return None
        if failing.told_at is None or (now - failing.told_at).total_seconds() >= _STAYS:
            failing.told, failing.told_at = failing.last, now
        return failing.told

    def first_without_status(self, key: Key) -> bool:
        """Return whether it was not said yet that the status cannot be written; now it is."""
        failing = self._failing[key]
        first, failing.is_told_elsewhere = not failing.is_told_elsewhere, True
        return first

    def forget(self, key: Key) -> None:
        """Forget all failures of a migration: a look at it has succeeded."""
        self._failing.pop(key, None)


def _kind(error: Exception) -> tuple[str, ...]:
    more = (str(error.status), error.reason, error.asked) if isinstance(error, ApiError) else ()
    return type(error).__name__, *more


def _trouble(error: Exception, since: datetime) -> Trouble:
    if isinstance(error, UnreachableError):
        return trouble.refused(error.asked, f"no answer ({error.message or error.reason})", since)
    if isinstance(error, ApiError):
        code = " ".join(filter(None, (str(error.status), error.reason)))
        return trouble.refused(error.asked, f"{error.message or 'no reason is given'} ({code})", since)
    return trouble.failed(type(error).__name__, since)
