"""Say in a migration's status what keeps the operator from its work on it: nothing else may have been seen of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from alembic_operator.api.occasions import Occasion
from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import Status
from alembic_operator.core import times
from alembic_operator.core.actions import Notice
from alembic_operator.core.observation.conditions import reason_of
from alembic_operator.core.observation.jobs import Job
from alembic_operator.core.observation.migrations import Migration
from alembic_operator.core.status import conditions

_AGAIN = "it is tried again, at least once a minute"


@dataclass(frozen=True)
class Trouble:
    """What went wrong, and since when it does."""

    reason: Reason
    what: str
    since: datetime

    @property
    def message(self) -> str:
        """Say it; the same text until something else goes wrong, so that it is written once."""
        return f"since {times.text(self.since)} {self.what}"


def refused(asked: str, answer: str, since: datetime) -> Trouble:
    """Return that the API server has not done what it was asked for, or has not answered."""
    what = f"the operator cannot {asked or 'go on'}: {answer}; {_AGAIN}"
    return Trouble(Reason.API_SERVER_REFUSES, what, since)


def failed(error: str, since: datetime) -> Trouble:
    """Return that the operator itself failed; of the error its kind alone, for its text may quote anything."""
    what = f"the operator fails on this object ({error}); {_AGAIN}; its log says where, please report it"
    return Trouble(Reason.OPERATOR_FAILED, what, since)


def status_in(trouble: Trouble, migration: Migration, now: datetime) -> Status:
    """Return the status that tells of it; what is known of the last run and of the database stays as it was."""
    before, generation = migration.status, migration.generation
    told = conditions.conditions(before.conditions, trouble.reason, trouble.message, generation=generation, now=now)
    same = before.observed_generation == generation  # another specification may mean another database
    known = before.known_images if same else ()
    return before.model_copy(update={"observed_generation": generation, "conditions": told, "known_images": known})


def told(trouble: Trouble, before: Status) -> tuple[Notice, ...]:
    """Return an Event for it, unless the status tells of such a trouble already."""
    if reason_of(before.conditions) == str(trouble.reason):
        return ()
    return (Notice(Occasion.HELD, f"{trouble.reason}: {trouble.message}", warning=True),)


def not_written(trouble: Trouble, answer: str) -> tuple[Notice, ...]:
    """Return an Event for it, where the status itself cannot be written."""
    return (Notice(Occasion.HELD, f"its status cannot be written: {answer}; {trouble.message}", warning=True),)


def is_misled(status: Status, jobs: Iterable[Job]) -> bool:
    """Return whether the status says that a Job was created which is not there."""
    last = status.last_run
    return (
        reason_of(status.conditions) == str(Reason.PENDING)
        and last is not None
        and last.job not in {one.name for one in jobs}
    )
