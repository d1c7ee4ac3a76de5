"""Say a verdict in words: what is, and what to do next. Made from the status alone, so that it stays the same."""

from alembic_operator.api.reasons import Reason
from alembic_operator.api.v1alpha1 import LastRun, RevisionsStatus, RunError


def ended(reason: Reason, run: LastRun, revisions: RevisionsStatus | None) -> str:
    """Return the message of a finished run."""
    if run.error:
        return failed(run.error)
    current = heads(revisions.current if revisions else run.to)
    if reason is Reason.DATABASE_AHEAD:
        return f"the database contains {current}, which this image does not know; nothing was changed"
    if not run.applied:
        return f"the database contains {current}; nothing had to be applied"
    spent = sum(one.seconds for one in run.applied)
    count = f"{len(run.applied)} revision{'s' if len(run.applied) > 1 else ''}"
    return f"the database contains {current}; {count} applied in {spent:.1f} s"


def failed(error: RunError) -> str:
    """Return revision, SQLSTATE, first line and hint of an error."""
    where = f"revision {error.revision}: " if error.revision else ""
    code = f"SQLSTATE {error.sqlstate}: " if error.sqlstate else ""
    hint = f"; {error.hint}" if error.hint else ""
    return f"{where}{code}{error.message or 'failed'}{hint}"


def heads(revisions: tuple[str, ...]) -> str:
    """Return heads for a sentence."""
    return ", ".join(revisions) if revisions else "no revision"
