"""Leave a row for each run beside the version table, where a history was asked for."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Callable

from alembic_operator.runner.database import runs, versions
from alembic_operator.runner.process.failures import Ending, first_line
from alembic_operator.runner.watching.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import OwnConnection
    from alembic_operator.runner.database.sites import Site


class RunRecord(Witness):
    """Writes over the connections that hold the locks, or a new one: no transaction of env.py's takes the row back.

    It never decides how a run ends: what cannot be written is a warning.
    """

    def __init__(self, connections: Connections, invocation: Invocation) -> None:
        self._around = connections.around
        self._invocation = invocation
        self._run = connections.session.run
        self._sites: dict[int, Site] = {}
        self._asking: dict[int, OwnConnection] = {}
        """What waits for the lock of each: a pooler, or a limit of the role, may leave no other connection."""

    def waiting(self, site: Site, own: OwnConnection) -> None:
        """Write down that it has begun, although it may never come to work on this version table."""
        self._asking[id(site)] = own
        self._begin(site)

    def locked(self, site: Site) -> None:
        """Know of which version table the run is."""
        self._sites[id(site)] = site

    def read(self, site: Site) -> None:
        """Write down which heads it found; where that fails, its end is written down."""
        self._begin(site)

    def ended(self, result: Result) -> Result:
        """Write down how it has ended, while the locks that it has are still held."""
        error = self._around.secrets.mask_error(result.error.message) if result.error else ""
        end = runs.End(result.reason, error, self._around.journal.seconds)
        refused = dict.fromkeys(filter(None, (self._end(site, end) for site in self._sites.values())))
        warnings = tuple(f"the run is not recorded in the table of runs: {one}" for one in refused)
        for one in warnings:
            self._around.journal.warning("run not recorded", message=one)
        return replace(result, warnings=(*result.warnings, *warnings))

    def _begin(self, site: Site) -> None:
        self._sites[id(site)] = site
        self._write(site, lambda own: runs.begin(own.rows, site.table, self._row(site)))

    def _end(self, site: Site, end: runs.End) -> str:
        def write(own: OwnConnection) -> None:
            runs.end(own.rows, site.table, self._row(site), replace(end, after=_heads(own, site)))

        return self._write(site, write)

    def _row(self, site: Site) -> runs.Row:
        return runs.Row(self._run, self._invocation.command, self._invocation.image, site.before)

    def _write(self, site: Site, write: Callable[[OwnConnection], None]) -> str:
        """Write as the role in which env.py works; return why that was not possible."""
        try:
            with self._line(site) as own, own.as_login():
                own.become(site.role)
                runs.prepare(own.rows, site.table)
                write(own)
        except Exception as error:  # noqa: BLE001  the drivers share no class
            return first_line(error)
        return ""

    @contextmanager
    def _line(self, site: Site) -> Iterator[OwnConnection]:
        """Lend the connection that has the lock or asks for it; another one where it is lost, or somebody else's."""
        if site.lock and site.lock.held():
            with site.line(site.lock) as own:
                yield own
            return
        asking = self._asking.get(id(site)) if site.alone else None
        own = asking if asking and asking.answers() else site.origin.open()
        try:
            yield own
        finally:
            if own is not asking:
                own.close()


def _heads(own: OwnConnection, site: Site) -> tuple[str, ...] | None:
    """Return the database heads; None: the version table is damaged."""
    try:
        return versions.read_heads(own, site.table)
    except Ending:
        return None
