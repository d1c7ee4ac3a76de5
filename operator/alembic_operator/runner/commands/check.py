"""Say what the database contains and what it lacks; change nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.runner.commands.look import Look
from alembic_operator.runner.project import scripts, state

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Return UpToDate, Pending or DatabaseAhead, which are answers and not failures, or Diverged."""
    look = Look(invocation, connections)
    return compare(look, invocation.target, look.heads())


def compare(look: Look, target: str, sites: list[tuple[str, ...]]) -> Result:
    """Compare the database heads with the scripts.

    Raises:
        Ending: the scripts or the target are wrong.
    """
    graph, current = scripts.graph(look.script), scripts.union(sites)
    unknown = [one for one in current if one not in graph]
    relative = bool(unknown) and scripts.is_relative(target)  # nothing can be counted from an unknown head
    wanted = scripts.heads(look.script) if relative else scripts.targets(look.script, target, current)
    found = [state.standing(graph, wanted, heads) for heads in sites]
    pending = sum(len(one.missing) for one in found if not one.unknown)
    result = Result(str(Reason.UP_TO_DATE), current, current, wanted, pending, ahead=bool(unknown))
    for refusal in filter(None, (one.refusal("Allow") for one in found)):
        return replace(result, reason=str(refusal.verdict.reason), error=refusal.verdict.failure)
    reason = Reason.PENDING if pending else Reason.DATABASE_AHEAD if unknown else Reason.UP_TO_DATE
    return replace(result, reason=str(reason))
