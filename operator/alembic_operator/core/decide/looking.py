"""When to look again for tenants, by spec.tenants.every, and what is true while a Job does nothing else."""

from datetime import timedelta

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import LastRun
from alembic_operator.contract import seconds
from alembic_operator.contract.tenants import NO_TABLE
from alembic_operator.core.decide.case import Case, remembers
from alembic_operator.core.decision import Decision
from alembic_operator.core.observation.conditions import is_ready, is_stalled
from alembic_operator.core.observation.database_servers import DatabaseServer
from alembic_operator.core.observation.reading import moment
from alembic_operator.core.runs import messages, run

LOOKS = "it looks again for tenants"


def last_of(case: Case) -> LastRun | None:
    """Return the run of these inputs after which it is looked again; None: there is none."""
    status, tenants = case.seen.migration.status, case.spec.tenants
    if tenants is None or tenants.every is None or not remembers(status.last_run, case.name):
        return None
    return status.last_run if status.last_run and is_followed(status.last_run, status.tenants) else None


def is_followed(last: LastRun, tenants: TenantsStatus | None) -> bool:
    """Return whether it is looked again after such a run: it ended well, or tenants failed in it that can be spared."""
    return run.outcome(last).effect is Effect.READY or _failed_alone(last, tenants)


def _failed_alone(last: LastRun, tenants: TenantsStatus | None) -> bool:
    """Return whether a run came to its end, some tenants failed for good, and their table tells the next run which."""
    if tenants is None or tenants.phase or run.outcome(last).effect is not Effect.STALLED:
        return False
    of_tenants = any(one.reason == last.outcome for one in tenants.failures)
    return of_tenants and not any(one.startswith(NO_TABLE) for one in last.warnings)


def spares(case: Case) -> bool:
    """Return whether a run leaves tenants alone which have failed for good with these very inputs."""
    status = case.seen.migration.status
    if status.tenants is None or status.last_run is None or status.last_run.identity != case.name:
        return False
    return any(run.effect_of(one.reason or "") is Effect.STALLED for one in status.tenants.failures)


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
    before = case.seen.migration.status.tenants
    failed = before.failed if before else 0
    return bool(progress and (progress.revision or (fleet and (fleet.behind or fleet.failed > failed))))


def still_as_before(case: Case) -> bool:
    """Return whether the status still says how that run ended: what was found once is not taken back."""
    told = case.seen.migration.status.conditions
    return (is_ready(told) or is_stalled(told)) and last_of(case) is not None


def as_before(case: Case, last: LastRun, also: str = "") -> Decision:
    """Return what the last run found, which is still what is known."""
    status, reason = case.seen.migration.status, run.outcome(last)
    said = messages.ended(reason, last, status.revisions, status.tenants)
    return Decision(reason, f"{said}; {also}" if also else said)
