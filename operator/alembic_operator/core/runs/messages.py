"""Say a decision in words: what is, and what to do next. Made from the status alone, so that it stays the same."""

from alembic_operator.api.fleet import TenantsStatus
from alembic_operator.api.reasons import Reason
from alembic_operator.api.status import LastRun, RevisionsStatus, RunError
from alembic_operator.contract.fleet import Fleet
from alembic_operator.core.observation.fleet import fleet_of

_STAND = "tenants are up to date"
"""The runner may have said it already, of a run that was stopped."""
_LONGEST = 1000
"""Characters. What others say can be longer than a status may be; the API server takes Events of 1024 bytes."""


def bounded(said: str, longest: int = _LONGEST) -> str:
    """Return what somebody else said, as far as a status can hold it."""
    whole = said.encode(errors="replace").decode()  # half a character of JSON's is none of the API server's
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def ended(reason: Reason, run: LastRun, revisions: RevisionsStatus | None, tenants: TenantsStatus | None = None) -> str:
    """Return the message of a finished run."""
    if tenants:
        return _with_tenants(run, fleet_of(tenants))
    if reason is Reason.TENANTS_BEHIND:
        return "the run ended well, and did not say how its tenants stand; does spec.jobTemplate change its command?"
    if run.error:
        return failed(run.error)
    current = heads(revisions.current if revisions else run.to)
    if reason is Reason.DATABASE_AHEAD:
        said = f"the database contains {current}, which this image does not know; nothing was changed"
        return f"{said}. If another service made it, give each its own spec.database.schema"
    if not run.applied_count:
        return f"the database contains {current}; nothing had to be applied"
    count = "1 revision" if run.applied_count == 1 else f"{run.applied_count} revisions"
    whole = len(run.applied) == run.applied_count  # a long list had to shrink in the Result
    spent = f" in {sum(one.seconds for one in run.applied):.1f} s" if whole else ""
    return f"the database contains {current}; {count} {'undone' if went_down(run) else 'applied'}{spent}"


def _with_tenants(run: LastRun, fleet: Fleet) -> str:
    """Say how all tenants stand, and why the run ended as it did: of those that failed, what the first group says."""
    if run.error is None:
        return str(fleet)
    if fleet.failures:
        first = fleet.failures[0]
        why = failed(RunError(message=first.message or first.reason, hint=first.hint or None))
        return f"{fleet}; {why}"
    said = failed(run.error)
    return said if _STAND in said else f"{fleet}; {said}"


def went_down(run: LastRun) -> bool:
    """Return whether a run undid revisions: no upgrade applies what is there."""
    return any(one.revision in run.from_ for one in run.applied)


def failed(error: RunError) -> str:
    """Return revision, SQLSTATE, first line and hint of an error."""
    where = f"revision {error.revision}: " if error.revision else ""
    code = f"SQLSTATE {error.sqlstate}: " if error.sqlstate else ""
    hint = f"; {error.hint.rstrip('.')}" if error.hint else ""  # more may follow
    return f"{where}{code}{error.message or 'failed'}{hint}"


def heads(revisions: tuple[str, ...]) -> str:
    """Return heads for a sentence."""
    return ", ".join(revisions) if revisions else "no revision"
