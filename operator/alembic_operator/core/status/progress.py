"""Tell in the status how far the run under way is."""

from datetime import UTC, datetime

from alembic_operator.api.status import Build, Progress, WaitingFor
from alembic_operator.contract import durations
from alembic_operator.contract.progress import Progress as Answer
from alembic_operator.core import times


def told(answer: Answer | None) -> Progress | None:
    """Return what a pod has answered as the status has it; None: nothing was answered."""
    if answer is None:
        return None
    return Progress(
        revision=answer.revision or None,
        index=answer.index or None,
        of=answer.of or None,
        since=_time(answer.since),
        statement=answer.statement or None,
        waiting_for=_waiting_for(answer),
        build=_build(answer),
        at=_time(answer.at),
        moved_at=_time(answer.moved),
    )


def _waiting_for(answer: Answer) -> WaitingFor | None:
    if (who := answer.waiting_for) is None:
        return None
    return WaitingFor(
        pid=who.pid,
        application=who.application or None,
        user=who.user or None,
        state=who.state or None,
        query_age=None if who.seconds is None else durations.written(who.seconds),
    )


def _build(answer: Answer) -> Build | None:
    if (build := answer.build) is None:
        return None
    return Build(command=build.command, phase=build.phase or None, done=build.done, total=build.total)


def _time(seconds: float) -> str:
    return times.text(datetime.fromtimestamp(seconds, UTC))
