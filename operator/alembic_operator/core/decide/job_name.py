"""Name the Job of the inputs that were seen."""

from typing import Any

from alembic_operator.api.reasons import Effect
from alembic_operator.api.status import LastRun
from alembic_operator.core import names
from alembic_operator.core.observation.observation import Observation
from alembic_operator.core.runs import run


def job_name(seen: Observation, what_matters: Any) -> str:
    """Return the name that the Job of these inputs has, or will have: another one where that is taken, and for good."""
    name, uid, last = seen.migration.name, seen.migration.uid, seen.migration.status.last_run
    usual, other = names.job_name(name, what_matters), names.job_name(name, [what_matters, uid])
    if (last and last.identity == other) or any(one.name == other for one in seen.jobs):
        return other
    return other if usual in seen.taken and not _is_settled(last, usual) else usual


def _is_settled(last: LastRun | None, name: str) -> bool:
    """Return whether these inputs need no Job any more."""
    if last is None or last.identity != name or last.finished_at is None:
        return False
    return run.outcome(last).effect is not Effect.RECONCILING
