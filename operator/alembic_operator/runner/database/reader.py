"""Read any number of version tables over connections of the runner's own, of which at most one is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import Origin, OwnConnection
    from alembic_operator.runner.database.sites import Site


class Reader:
    """Keeps the connection that it used last."""

    def __init__(self, *, borrows: bool = False) -> None:
        """Begin without one; or borrow the lock's, which sees the same, where somebody else reads everything again."""
        self._borrows = borrows
        self._own: OwnConnection | None = None
        self._origin: Origin | None = None

    @property
    def connected(self) -> bool:
        """Whether a connection was kept."""
        return self._own is not None

    def over(self, site: Site) -> OwnConnection:
        """Return a connection to a site's database, as the user that env.py is there."""
        if self._borrows and site.lock and site.alone:
            return site.lock.own
        if self._own and self._origin and self._origin.leads_as(site.origin):
            return self._own
        self.close()
        self._own, self._origin = site.origin.open(), site.origin
        return self._own

    def adopt(self, own: OwnConnection, origin: Origin) -> None:
        """Keep a connection that is there already."""
        self.close()
        self._own, self._origin = own, origin

    def read(self, sites: list[Site]) -> list[tuple[str, ...]]:
        """Return the heads of each version table."""
        return [site.read_over(self.over(site)) for site in sites]

    def close(self) -> None:
        """Let the connection go."""
        if self._own:
            self._own.close()
        self._own = self._origin = None
