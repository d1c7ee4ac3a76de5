"""Tell of a database that is behind whether a run is in the middle of a revision just now, or was killed there."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alembic_operator.runner.database import leftovers
from alembic_operator.runner.project import state

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract import Result
    from alembic_operator.runner.database.versions import Query, VersionTable


@dataclass(frozen=True)
class Look:
    """One version table, and how it is asked."""

    query: Query
    table: VersionTable
    heads: tuple[str, ...]


def told(result: Result, graph: state.Graph, looks: Iterable[Look], *, closely: bool) -> Result:
    """Return the Result of a comparison with what is unfinished; PartlyApplied where `upgrade` would say so.

    `closely`: it is one look, and no gate's, of which there may be hundreds: all that is there is listed.
    """
    for look in looks:
        found = leftovers.look(look.query, look.table)
        if closely:
            result = replace(result, warnings=(*result.warnings, *leftovers.warnings(found)))
        missing = state.missing(graph, result.target, look.heads)
        if result.pending and missing and not result.error:
            result = _marked(result, look, found.comment, missing, closely=closely)
    return result


def _marked(result: Result, look: Look, comment: str, missing: tuple[str, ...], *, closely: bool) -> Result:
    from alembic_operator.runner.database import marks  # noqa: PLC0415  most databases are not behind

    for mark in marks.within(comment):
        if not mark.down and mark.revision not in missing:
            continue
        if marks.is_under_way(look.query, look.table):
            return replace(result, warnings=(*result.warnings, f"a run is in the middle of {mark.where} just now"))
        kept = marks.without(comment, mark.__eq__)
        if ending := marks.ending(look.query, look.table, mark, kept, closely=closely):
            verdict = ending.verdict
            return replace(result, reason=str(verdict.reason), error=verdict.failure)
    return result
