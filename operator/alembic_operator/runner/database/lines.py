"""The connections that hold the locks of a run: one for each database, however many version tables it has."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.sites import Site


@dataclass
class Lines:
    """One connection for each database."""

    connections: Connections
    _open: dict[tuple[str, str, str], tuple[OwnConnection, Origin]] = field(default_factory=dict)

    def to(self, site: Site) -> tuple[OwnConnection, bool]:
        """Return the connection to a site's database, and whether it is new."""
        if known := self._open.get(site.place):
            return known[0], False
        own = self.connections.take_spare(site.origin)
        self._open[site.place] = own, site.origin
        return own, True

    def speaks_for(self, site: Site) -> bool:
        """Tell whether the connection is of the user that env.py is there."""
        known = self._open.get(site.place)
        return known is not None and known[1].leads_as(site.origin)

    def drop_lost(self) -> None:
        """Forget the connections that no longer answer, and their locks with them."""
        for place, (own, _) in list(self._open.items()):
            if not own.answers():
                own.close()
                del self._open[place]

    def close(self) -> None:
        """Let the next runner begin; a pooler may keep the sessions after their client has gone."""
        for own, origin in self._open.values():
            with suppress(Exception):  # the connection may be lost, and the locks with it
                own.rows("SELECT pg_catalog.pg_advisory_unlock_all()")
            self.connections.let_go(own, origin)
        self._open.clear()
