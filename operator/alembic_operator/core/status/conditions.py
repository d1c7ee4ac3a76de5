"""Write a decision as conditions: Ready always, Reconciling and Stalled only while they are true (kstatus)."""

from collections.abc import Iterable
from datetime import datetime

from alembic_operator.api.meta import Condition
from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.core import times
from alembic_operator.core.observation.conditions import READY, RECONCILING, STALLED
from alembic_operator.core.runs import messages

LONGEST_MESSAGE = 4096
"""Characters: a list of many names, or the words of several others, must not keep a status from being written."""


def conditions(
    before: Iterable[Condition], reason: Reason, message: str, *, generation: int, now: datetime
) -> tuple[Condition, ...]:
    """Return the conditions of a reason, in a fixed order; `lastTransitionTime` stays while the status is the same."""
    statuses = {READY: reason.effect is Effect.READY}
    if reason.effect is not Effect.READY:
        statuses[RECONCILING if reason.effect is Effect.RECONCILING else STALLED] = True
    since = {one.type: one for one in before}
    return tuple(
        Condition(
            type=type_,
            status=(status := "True" if true else "False"),
            reason=str(reason),
            message=messages.bounded(message, LONGEST_MESSAGE),
            last_transition_time=since[type_].last_transition_time
            if type_ in since and since[type_].status == status
            else times.text(now),
            observed_generation=generation,
        )
        for type_, true in statuses.items()
    )
