"""Find the invalid indexes that a broken build leaves: drop this project's own, name everybody else's."""

from __future__ import annotations

import functools
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import leftovers
from alembic_operator.runner.database.own import fetch
from alembic_operator.runner.database.sites import raw_of
from alembic_operator.runner.process.failures import first_line
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from alembic_operator.contract import Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.leftovers import Unfinished
    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.database.versions import Query
    from alembic_operator.runner.watching import sql

_POLL_SECONDS = 0.5
_DROP_TIMEOUT = "30s"
_OF_REINDEX = re.compile(r"_cc(?:new|old)\d*$")


class Indexes(Witness):
    """Watches the indexes that revisions build concurrently, which no transaction removes when that fails."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._around = connections.around
        self._sites: dict[tuple[str, str], Site] = {}
        self._built: list[sql.ConcurrentIndex] = []
        self._reindexed = self._ran = False
        self._is_close = not connections.is_of_fleet
        """It was looked what is invalid."""
        self._warnings: list[str] = []

    def locked(self, site: Site) -> None:
        """Remember what is invalid before anything runs; the comment may be another run's since the attempt before.

        In a fleet what is invalid is looked for only when a revision is about to build: that reads the whole catalogue,
        once for each tenant, and nobody reads what is said of a single tenant.
        """
        if site.lock:
            self._sites.setdefault((site.origin.place, site.database), site)
            if self._connections.is_of_fleet:
                comment = leftovers.comment(site.lock.own.rows, site.table)
                site.leftovers = replace(site.leftovers or leftovers.Leftovers(), comment=comment)
                return
            found = leftovers.look(site.lock.own.rows, site.table)
            site.leftovers = replace(site.leftovers or found, comment=found.comment)

    def begun(self, revision: str, connection: Any) -> None:
        """Know that another look is needed at the end, and listen; those before hear a statement before this one."""
        del revision, connection
        if not self._ran:
            self._ran = True
            event.listen(Engine, "before_cursor_execute", self._before)

    def ended(self, result: Result) -> Result:
        """Drop what this run left behind when it failed; name the rest."""
        for site in self._sites.values():
            try:
                self._compare(site, result)
            except Exception as error:  # noqa: BLE001  the run is over: what it did must be told whatever happens here
                self._around.journal.warning("cannot look for invalid indexes", message=first_line(error))
        return replace(result, warnings=(*result.warnings, *self._warnings))

    # Before a build

    def _before(self, connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if connection.dialect.name != "postgresql":
            return
        if "concurrently" not in statement.lower():
            return
        self._look_closely()
        from alembic_operator.runner.watching import sql  # noqa: PLC0415  most runs find nothing to do

        for one in sql.split(statement):
            self._reindexed = self._reindexed or one.upper().startswith("REINDEX")
            find: Callable[[Query], Unfinished | None] | None = None
            if index := sql.concurrent_index(one):
                self._built.append(index)
                find = functools.partial(leftovers.invalid, name=index.name, table=index.table) if index.name else None
            elif relation := sql.reindexed(one):
                find = functools.partial(leftovers.rebuilt, relation=relation)
            if find and getattr(raw := raw_of(connection), "autocommit", False):
                self._make_room(raw, find)

    def _look_closely(self) -> None:
        """Look for what is invalid, where that was not done before."""
        if not self._is_close:
            self._is_close = True
            for site in self._sites.values():
                if site.lock and site.leftovers:
                    found = leftovers.look(site.lock.own.rows, site.table)
                    site.leftovers = replace(found, comment=site.leftovers.comment)

    def _make_room(self, raw: Any, find: Callable[[Query], Unfinished | None]) -> None:
        """Drop what is left of an earlier build; IF NOT EXISTS would take it for done.

        On the connection that builds: it is in autocommit, has no timeouts now, and is cancelled when the run is.
        """

        def query(text: str) -> list[tuple[Any, ...]]:
            return fetch(raw, text)

        while found := find(query):
            if not found.busy:
                query(f"DROP INDEX CONCURRENTLY IF EXISTS {found.sql}")
                self._say(f"The invalid index {found.sql}, left by an earlier build, was dropped to build it again.")
                continue
            self._around.stop.waiting_for = f"another session that builds {found.sql} or works on {found.table}"
            self._around.stop.pause(_POLL_SECONDS)
        self._around.stop.waiting_for = ""

    # After the run

    def _compare(self, site: Site, result: Result) -> None:
        before = site.leftovers
        if not before or not site.lock or not self._is_close:
            return
        now = leftovers.look(site.lock.own.rows, site.table) if self._ran else before
        known = {one.oid for one in before.indexes}
        mine = [one for one in now.indexes if one.oid not in known and self._is_mine(one)]
        for one in mine:
            self._settle(site, one, result)
        self._warnings += leftovers.warnings(replace(now, indexes=tuple(one for one in now.indexes if one not in mine)))

    def _is_mine(self, index: Unfinished) -> bool:
        if self._reindexed and _OF_REINDEX.search(index.name):
            return True
        table = index.table.rpartition(".")[2]
        return any(one.name == index.name or (not one.name and one.table.endswith(table)) for one in self._built)

    def _settle(self, site: Site, index: Unfinished, result: Result) -> None:
        left = f"This run left the invalid index {index.sql} on {index.table}"
        if result.error is None:
            self._say(f"{left}, although nothing failed: REINDEX INDEX CONCURRENTLY {index.sql}.")
        elif result.reason == Reason.PARTLY_APPLIED and (index.busy or self._around.stop.requested):
            self._say(f"{left}: DROP INDEX CONCURRENTLY {index.sql}, with what else the revision left.")
        elif index.busy or self._around.stop.requested:
            self._say(f"{left}; the next run drops it before it builds it again.")
        elif error := self._dropped(site, index):
            self._say(f"{left}, and it could not be dropped ({error}): DROP INDEX CONCURRENTLY {index.sql}.")
        else:
            self._say(f"{left}; it was dropped.")

    def _dropped(self, site: Site, index: Unfinished) -> str:
        """Drop an index; return why that failed. It waits for every transaction on the table, but not for ever."""
        try:
            own = site.origin.open()
            try:
                own.become(self._connections.session.role).rows(f"SET statement_timeout = '{_DROP_TIMEOUT}'")
                own.rows(f"DROP INDEX CONCURRENTLY IF EXISTS {index.sql}")
            finally:
                own.close()
        except Exception as error:  # noqa: BLE001  the drivers share no class
            return first_line(error)
        return ""

    def _say(self, message: str) -> None:
        self._around.journal.warning("invalid index", message=message)
        self._warnings.append(message)
