"""Tell what is new as Events: started, succeeded, failed, held."""

from alembic_operator.api.reasons import Effect, Occasion, Reason
from alembic_operator.api.status import Status
from alembic_operator.core import conditions
from alembic_operator.core.actions import CreateJob, Notice
from alembic_operator.core.run import same_run
from alembic_operator.core.verdict import Verdict


def notices(before: Status, after: Status, verdict: Verdict) -> tuple[Notice, ...]:
    """Return one Event for a start, and one for an outcome or a wait that was not there before."""
    started = [
        Notice(Occasion.STARTED, f"Job {action.manifest['metadata']['name']} was created")
        for action in verdict.actions
        if isinstance(action, CreateJob)
    ]
    newly_ended = verdict.finished is not None and not same_run(before.last_run, after.last_run)
    changed = conditions.reason_of(before.conditions) != str(verdict.reason)
    return (*started, *_outcome(verdict, newly_ended=newly_ended, changed=changed))


def replaced(news: str) -> tuple[Notice, ...]:
    """Return one Event for what stood in the runner's place: it is code that runs with the database's Secrets."""
    return (Notice(Occasion.RUNNER_REPLACED, news, warning=True),) if news else ()


def _outcome(verdict: Verdict, *, newly_ended: bool, changed: bool) -> tuple[Notice, ...]:
    effect = verdict.reason.effect
    if effect is Effect.READY:
        return (Notice(Occasion.SUCCEEDED, verdict.message),) if newly_ended else ()
    if newly_ended or (effect is Effect.STALLED and changed):
        return (Notice(Occasion.FAILED, f"{verdict.reason}: {verdict.message}", warning=True),)
    if changed and verdict.reason not in (Reason.PENDING, Reason.SETTLING, Reason.MIGRATING):
        return (Notice(Occasion.HELD, f"{verdict.reason}: {verdict.message}"),)
    return ()
