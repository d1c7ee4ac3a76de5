"""Read back while env.py still holds the way to its database: a connector, a tunnel or a pool may end with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.pool import Pool

from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.runner.database.sites import Site
    from alembic_operator.runner.watching.witness import Witness


class EarlyReading:
    """Looks at each version table when nothing of its revisions is left to be committed.

    That is when they have run; or, where env.py holds a transaction around them, when it gives a connection back.
    """

    def __init__(self, witnesses: Iterable[Witness]) -> None:
        """Begin to listen, for the rest of this process."""
        self._witnesses = witnesses
        self._open: list[Site] = []
        """Those of which something may not be committed yet."""
        self._thread = 0
        event.listen(Pool, "checkin", lambda *_: self._given_back())

    def begun(self, site: Site) -> None:
        """Forget what was seen of a version table: its revisions are about to run."""
        site.seen = None
        self._thread = 0

    def ran(self, site: Site, connection: Any) -> None:
        """Look, or wait for env.py's own commit."""
        self._thread = threads.get_ident()
        if not connection.in_transaction():
            self._look(site)
        elif site not in self._open:
            self._open.append(site)

    def over(self) -> None:
        """Stop looking: env.py is over."""
        self._open.clear()

    def _given_back(self) -> None:
        if threads.get_ident() != self._thread:
            return  # what is collected as garbage comes in any thread
        for site in list(self._open):
            self._look(site)
            if site.is_seen_there:
                self._open.remove(site)

    def _look(self, site: Site) -> None:
        if site.lock is None:
            return
        try:
            with site.line(site.lock) as own:
                site.seen = site.read_over(own)
                for witness in self._witnesses:
                    witness.read_early(site, own)
        except Exception:  # noqa: BLE001  what is read back in the end counts, if it can be
            site.seen = None
