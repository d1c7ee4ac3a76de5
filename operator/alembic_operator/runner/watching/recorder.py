"""Keep the history of applied revisions equal to what the version table means, in that one's own transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import applied
from alembic_operator.runner.database.own import fetch
from alembic_operator.runner.database.sites import end_unless_begun, raw_of
from alembic_operator.runner.project import state
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract import Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.database.versions import Query


class Recorder(Witness):
    """Records what is applied and undone, where that was asked for.

    Of revisions that the scripts do not know it never judges: they may be of before a squash.
    """

    def __init__(self, connections: Connections, *, enabled: bool) -> None:
        self._connections = connections
        self._enabled = enabled
        self._site: Site | None = None
        self._graph: state.Graph = {}
        self._there: set[str] = set()
        """Those of the scripts that the history holds."""
        self._warnings: list[str] = []

    def locked(self, site: Site) -> None:
        """Know of which version table the next revisions are."""
        self._site, self._graph = site, {}

    def recorded(self, connection: Any) -> state.Recorded:
        """Return what the history holds; None: nobody asked for one."""
        if not self._enabled or self._site is None:
            return None
        found = applied.recorded(_query(connection), self._site.table)
        end_unless_begun(connection)
        return found

    def compared(self, found: state.Standing, graph: state.Graph, heads: tuple[str, ...], connection: Any) -> None:
        """See where the database stands, before anything runs; make the history, and fill in what it lacks.

        Where the scripts do not know a head they cannot tell what led there, and nothing will run.

        Raises:
            Ending: the history cannot be made, or not written.
        """
        if found.assumed:
            self._warnings.append(found.assumption)
        if not self._enabled or self._site is None or found.unknown:
            return
        query, table = _query(connection), self._site.table
        if applied.prepare(query, table):
            self._connections.around.journal.info("history begun", table=table.history)
        self._graph = graph
        self._there = set(applied.recorded(query, table).intersection(graph))
        self.written(heads, connection, by_hand=True)
        self._commit(connection)

    def written(self, heads: Iterable[str], connection: Any, *, by_hand: bool) -> None:
        """See the version table's new rows in their open transaction; `by_hand`: no run of ours led there."""
        if not self._graph or self._site is None:
            return
        query, table = _query(connection), self._site.table
        means = state.contained(self._graph, heads)
        if new := means - self._there:
            applied.add(query, table, new, seen=not by_hand)
        if gone := self._there - means:
            applied.remove(query, table, gone)
        self._there = means

    def _commit(self, connection: Any) -> None:
        """Commit what was filled in, unless env.py holds a transaction: there may be no revision to commit it with."""
        transaction = connection.get_transaction()
        if transaction is None:
            end_unless_begun(connection)
        elif not self._connections.begun.has(transaction):
            transaction.commit()  # SQLAlchemy began it when Alembic read the heads

    def ended(self, result: Result) -> Result:
        """Add what was only assumed."""
        return replace(result, warnings=(*result.warnings, *dict.fromkeys(self._warnings)))


def _query(connection: Any) -> Query:
    """Ask on the DBAPI connection, which is nobody else's business: no statement of the revision's."""
    raw = raw_of(connection)
    return lambda sql: fetch(raw, sql)
