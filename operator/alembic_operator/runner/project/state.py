"""Judge where a database stands, from its heads and the graph of the scripts; pure, for whoever reads them how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Mapping, Tuple

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Iterable

Graph = Mapping[str, Tuple[str, ...]]
"""Every revision of the scripts with the revisions it needs directly: down_revision and depends_on, resolved."""


def contained(graph: Graph, heads: Iterable[str]) -> set[str]:
    """Return every revision of the scripts that a database with these heads contains."""
    found: set[str] = set()
    todo = list(heads)
    while todo:
        name = todo.pop()
        if name in graph and name not in found:
            found.add(name)
            todo += graph[name]
    return found


def missing(graph: Graph, wanted: Iterable[str], heads: Iterable[str]) -> tuple[str, ...]:
    """Return the revisions that lead to the wanted ones and that the database does not contain, sorted."""
    return tuple(sorted(contained(graph, wanted) - contained(graph, heads)))


def tops(graph: Graph, revisions: Iterable[str]) -> tuple[str, ...]:
    """Return those that no other of them needs, directly or not, sorted: the heads of a set."""
    among = set(revisions)
    return tuple(sorted(among - contained(graph, (down for one in among for down in graph.get(one, ())))))


@dataclass(frozen=True)
class Standing:
    """How the heads of one version table stand to what is wanted."""

    unknown: tuple[str, ...] = ()
    """Database heads that the scripts do not know: it is ahead."""
    missing: tuple[str, ...] = ()
    """Revisions that lead to the wanted ones and that the database does not contain, as far as can be seen."""
    behind: tuple[str, ...] = ()
    """Known database heads from which a missing wanted revision leads on."""
    lacking: tuple[str, ...] = ()
    """The wanted revisions that lead on from those."""

    @property
    def diverged(self) -> bool:
        """Tell whether one lineage is ahead of the scripts and another one behind them: no mere rollback."""
        return bool(self.unknown and self.behind)

    def refusal(self, database_ahead: str) -> Ending | None:
        """Return why nothing may be run or passed, by the policy Allow or Block; None: it may."""
        if self.diverged:
            return _diverged(self)
        if self.unknown and database_ahead == "Block":
            return _blocked(self)
        return None

    def unknown_revision(self, command: str) -> Ending | None:
        """Return why a command that needs to know every database head cannot run; None: it can."""
        if not self.unknown:
            return None
        message = f"the database contains {', '.join(self.unknown)}, which these scripts do not know"
        return Ending(Reason.UNKNOWN_REVISION, message, f"Run {command} with the image that knows it.")


def standing(graph: Graph, wanted: Iterable[str], heads: Iterable[str]) -> Standing:
    """Compare the heads of one version table with the wanted revisions: the script heads, or those of a target."""
    wanted, heads = tuple(wanted), tuple(heads)
    unknown = tuple(one for one in heads if one not in graph)
    there = contained(graph, heads)
    lacking = {one: contained(graph, [one]) for one in wanted if one in graph and one not in there}
    behind = tuple(sorted(one for one in heads if any(one in below for below in lacking.values())))
    led = tuple(sorted(one for one, below in lacking.items() if below.intersection(behind)))
    return Standing(unknown, missing(graph, wanted, heads), behind, led)


def _diverged(found: Standing) -> Ending:
    message = (
        f"the database contains {', '.join(found.unknown)}, which these scripts do not know, beside"
        f" {', '.join(found.behind)}, from which they lead on to {', '.join(found.lacking)}"
    )
    hint = "Two lines of development met in one database: build an image that has the revisions of both."
    return Ending(Reason.DIVERGED, message, hint)


def _blocked(found: Standing) -> Ending:
    message = f"the database contains {', '.join(found.unknown)}, which these scripts do not know"
    return Ending(Reason.DATABASE_AHEAD_BLOCKED, message, "Use the image that knows it, or allow databaseAhead.")
