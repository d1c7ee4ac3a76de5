"""When to look again for tenants, by spec.tenants.every, and what is true while a Job does nothing else."""

from datetime import timedelta

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import LastRun
from alembic_operator.contract import seconds
from alembic_operator.core.decide.case import Case, remembers
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import is_ready
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.runs import messages, run

LOOKS = "it looks again for tenants"


def last_of(case: Case) -> LastRun | None:
    """Return the run of these inputs that ended well, and after which it is looked again; None: there is none."""
    last, tenants = case.seen.migration.status.last_run, case.spec.tenants
    if tenants is None or tenants.every is None or last is None or not remembers(last, case.name):
        return None
    return last if run.outcome(last).effect is Effect.READY else None


def left(case: Case, last: LastRun) -> float:
    """Return in how many seconds the next look is due; negative: for how long it has been."""
    tenants = case.spec.tenants
    ended = moment(last.finished_at)
    if tenants is None or tenants.every is None or ended is None:
        return 0.0
    return (ended + timedelta(seconds=seconds(tenants.every)) - case.seen.now).total_seconds()


def may_look(case: Case) -> bool:
    """Return whether nothing stands against a look: else it is put off, and nothing becomes untrue by that."""
    server = case.seen.server
    is_up = server is None or (isinstance(server, DatabaseServer) and server.ready)
    return is_up and not case.spec.suspend and all(one.ready for one in case.seen.dependencies)


def found_work(case: Case) -> bool:
    """Return whether the run has found a tenant that is behind; it is asked about that when it has lasted a while."""
    progress = case.seen.progress
    fleet = progress and progress.tenants
    return bool(progress and (progress.revision or (fleet and (fleet.behind or fleet.failed))))


def still_ready(case: Case) -> bool:
    """Return whether the status says Ready of these inputs: what was found once is not taken back."""
    return is_ready(case.seen.migration.status.conditions) and last_of(case) is not None


def as_before(case: Case, last: LastRun, also: str = "") -> Decision:
    """Return what the last run found, which is still what is known."""
    status, reason = case.seen.migration.status, run.outcome(last)
    said = messages.ended(reason, last, status.revisions, status.tenants)
    return Decision(reason, f"{said}; {also}" if also else said)
