"""Compare what the scripts know with what the database contains."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Result
from alembic_operator.runner.project import state
from alembic_operator.runner.project.targets import is_relative, union

if TYPE_CHECKING:
    from collections.abc import Sequence


class Scripts(Protocol):
    """The revisions, however they were read."""

    @property
    def lineage(self) -> state.Graph:
        """Every revision with those that it follows, without what it only depends on."""
        ...

    @property
    def graph(self) -> state.Graph:
        """Every revision with those it needs directly."""
        ...

    def heads(self) -> tuple[str, ...]:
        """Return the script heads, sorted."""
        ...

    def targets(self, target: str, current: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that a target names, sorted."""
        ...


def compare(scripts: Scripts, target: str, sites: Sequence[state.Contents]) -> Result:
    """Compare what the version tables hold with the scripts.

    Raises:
        Ending: the scripts or the target are wrong.
    """
    graph, current = scripts.graph, union(one.heads for one in sites)
    unknown = [one for one in current if one not in graph]
    relative = bool(unknown) and is_relative(target)  # nothing can be counted from an unknown head
    wanted = scripts.heads() if relative else scripts.targets(target, current)
    found = [state.standing(graph, wanted, one.heads, one.recorded) for one in sites]
    pending = sum(len(one.missing) for one in found if one.exact or not one.unknown)
    result = Result(str(Reason.UP_TO_DATE), current, current, wanted, pending, ahead=bool(unknown))
    result = replace(result, warnings=tuple(dict.fromkeys(one.assumption for one in found if one.assumed)))
    damages = (state.damage(scripts.lineage, one.heads, one.table) for one in sites)
    for refusal in filter(None, (*damages, *(one.refusal("Allow") for one in found))):
        return replace(result, reason=str(refusal.verdict.reason), error=refusal.verdict.failure)
    reason = Reason.PENDING if pending else Reason.DATABASE_AHEAD if unknown else Reason.UP_TO_DATE
    return replace(result, reason=str(reason))
