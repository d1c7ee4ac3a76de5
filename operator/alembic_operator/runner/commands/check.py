"""Say what the database contains and what it lacks; change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.runner.commands.look import Look
from alembic_operator.runner.project import scripts

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Return UpToDate, Pending or DatabaseAhead; all three are answers, not failures."""
    look = Look(invocation, connections)
    return compare(look, invocation.target, look.heads())


def compare(look: Look, target: str, sites: list[tuple[str, ...]]) -> Result:
    """Compare the database heads with the scripts.

    Raises:
        Ending: the scripts or the target are wrong.
    """
    current = scripts.union(sites)
    ahead = [scripts.unknown(look.script, heads) for heads in sites]
    wanted = scripts.targets(look.script, target, () if any(ahead) and scripts.is_relative(target) else current)
    behind = [heads for heads, unknown in zip(sites, ahead) if not unknown]  # noqa: B905  3.9 has no strict
    pending = sum(len(scripts.missing(look.script, wanted, heads)) for heads in behind)
    reason = Reason.PENDING if pending else Reason.DATABASE_AHEAD if any(ahead) else Reason.UP_TO_DATE
    return Result(str(reason), current, current, wanted, pending, ahead=any(ahead))
