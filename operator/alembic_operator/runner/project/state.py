"""Judge where a database stands, from its heads and the graph of the scripts; pure, for whoever reads them how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, FrozenSet, Mapping, Optional, Tuple

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.hints.line import AGAIN

if TYPE_CHECKING:
    from collections.abc import Iterable

Graph = Mapping[str, Tuple[str, ...]]
"""Every revision of the scripts with the revisions it needs directly: down_revision and depends_on, resolved."""

Recorded = Optional[FrozenSet[str]]
"""The revisions that the history of a version table holds; None: it was not asked."""


@dataclass(frozen=True)
class Contents:
    """What one version table holds, and its history of the same moment."""

    heads: tuple[str, ...]
    recorded: Recorded = None
    table: str = "alembic_version"
    """As a statement names it."""


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


def damage(lineage: Graph, heads: Iterable[str], table: str) -> Ending | None:
    """Return why a version table that holds these rows cannot be trusted; None: it can.

    By down_revision alone: what a revision only depends on may have a row of its own.
    """
    rows = set(heads)
    followed = sorted(rows & contained(lineage, (down for one in rows for down in lineage.get(one, ()))))
    if not followed:
        return None
    message = (
        f"the version table {table} holds {', '.join(followed)} beside {', '.join(tops(lineage, rows))}, which follows"
    )
    names = ", ".join(f"'{each}'" for each in followed)
    return damaged(message, f"DELETE FROM {table} WHERE version_num IN ({names})")


def damaged(message: str, repair: str) -> Ending:
    """Return what ends a run at a version table that somebody has to repair."""
    hint = (
        f"A run that was killed, or a hand, left it. Compare the schema with the revisions; mostly {repair} is right."
    )
    return Ending(Reason.VERSION_TABLE_DAMAGED, message, hint + AGAIN)


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
    """The wanted revisions that lead on from those, or that the history lacks."""
    exact: bool = False
    """The history tells what a database contains whose heads the scripts do not know."""
    assumed: bool = False
    """The history was asked, but does not hold every head: something moved the database without recording it."""

    @property
    def diverged(self) -> bool:
        """Tell whether one lineage is ahead of the scripts and another one behind them: no mere rollback."""
        return bool(self.unknown and (self.behind or (self.exact and self.missing)))

    @property
    def assumption(self) -> str:
        """Return what is taken for granted where the history cannot tell."""
        return (
            f"The history of applied revisions does not hold {', '.join(self.unknown)}, which is in the version table:"
            " that this image's revisions are in the database is only assumed, as it is without a history"
        )

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


def standing(graph: Graph, wanted: Iterable[str], heads: Iterable[str], recorded: Recorded = None) -> Standing:
    """Compare one version table with the wanted revisions: the script heads, or those of a target.

    Where the scripts know all its heads, nothing else needs to be asked. Where they do not, a history that holds every
    head tells what led there; any other one says nothing.
    """
    wanted, heads = tuple(wanted), tuple(heads)
    unknown = tuple(one for one in heads if one not in graph)
    exact = bool(unknown) and recorded is not None and recorded.issuperset(heads)
    known = (*heads, *(recorded or ())) if exact else heads
    there = contained(graph, known)
    lacking = {one: contained(graph, [one]) for one in wanted if one in graph and one not in there}
    behind = tuple(sorted(one for one in heads if any(one in below for below in lacking.values())))
    led = tuple(sorted(one for one, below in lacking.items() if exact or below.intersection(behind)))
    assumed = bool(unknown) and recorded is not None and not exact
    return Standing(unknown, missing(graph, wanted, known), behind, led, exact, assumed)


def _diverged(found: Standing) -> Ending:
    other = (
        f"and not {', '.join(found.lacking)}, as its history shows"
        if found.exact
        else f"beside {', '.join(found.behind)}, from which they lead on to {', '.join(found.lacking)}"
    )
    message = f"the database contains {', '.join(found.unknown)}, which these scripts do not know, {other}"
    hint = "Two lines of development met in one database: build an image that has the revisions of both."
    return Ending(Reason.DIVERGED, message, hint)


def _blocked(found: Standing) -> Ending:
    message = f"the database contains {', '.join(found.unknown)}, which these scripts do not know"
    hint = "Use the image that knows it, or set spec.policy.databaseAhead to Allow."
    return Ending(Reason.DATABASE_AHEAD_BLOCKED, message, hint)
