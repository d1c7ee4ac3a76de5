"""Run env.py to learn which version tables it configures, now and then, and without the right to write."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import direct, option, read_only, versions
from alembic_operator.runner.database.idle import IdleConnections
from alembic_operator.runner.database.read_only import ReadOnly
from alembic_operator.runner.database.sites import Site, Sites
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify, first_line
from alembic_operator.runner.project import environment, scripts

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.reader import Reader

_PAUSE = (2.0, 60.0)
_DEFAULT_TABLE = "alembic_version"


class EnvAsked:
    """One project's env.py; it may import a whole application, so that it rests between two runs."""

    def __init__(self, invocation: Invocation, connections: Connections, reader: Reader) -> None:
        """Open the scripts; what env.py connects to is read with the reader, as long as it holds the way there."""
        self._invocation = invocation
        self._connections = connections
        self._reader = reader
        self._read_only = ReadOnly(connections)
        self._read_only.install()
        self.script: Any = environment.open_scripts(environment.open_config(invocation), invocation)
        self._idle = IdleConnections() if invocation.command == "gate" else None
        self._may_run = 0.0
        self._pause = _PAUSE[0]
        self._last: Verdict | None = None
        self.cut_short: Ending | None = None
        """Why env.py failed after revisions that were only looked at; it may read what they make."""
        self._nothing: tuple[str, ...] = ()

    @property
    def is_due(self) -> bool:
        """Whether it has rested."""
        return time.monotonic() >= self._may_run

    def be_due(self) -> None:
        """Let it run again at once."""
        self._may_run = 0.0

    @property
    def told(self) -> tuple[str, ...]:
        """Return what somebody should look at in what it did."""
        return (*self._nothing, *self._read_only.told)

    def ask(self) -> list[Site]:
        """Run it, and return the version tables that it configured.

        Raises:
            Ending: why it failed when it ran last, and rests since.
            BaseException: what it raises.
        """
        if not self.is_due and self._last:
            raise Ending.of(self._last)
        sites = Sites(self._connections, [])
        try:
            self._look(sites)
        except BaseException as error:
            self._last = ending(self._connections, error).verdict
            raise
        finally:
            self._connections.close_spare()
            if self._idle:
                self._idle.close()
            self._may_run = time.monotonic() + self._pause
            self._pause = min(2 * self._pause, _PAUSE[1])
        return sites.found

    def _configuring(self, sites: Sites, connection: Any, arguments: dict[str, Any]) -> None:
        """Connect while env.py holds the way there: a connector, a tunnel or a pool may end with it.

        Not where env.py's transaction may hold the only connection of a pooler: a second one would wait for its end.
        """
        site = sites.examine(connection, arguments)
        if self._connections.shared:
            return
        if own := self._connections.hand_over(site.origin):
            self._reader.adopt(own, site.origin)
        with suppress(Exception):  # it is tried again when env.py is over
            self._reader.over(site)

    def _running(self, sites: Sites) -> None:
        """Read where the revisions would run now."""
        if not sites.found or self._connections.shared:
            return
        site = sites.last
        sites.again(site)
        with suppress(Exception):
            site.seen = site.read_over(self._reader.over(site))

    def _look(self, sites: Sites) -> None:
        """Run env.py without the right to write; what it configured before it wanted to counts."""
        self._read_only.begin()
        try:
            self._run(sites)
        except BaseException as error:
            if self._connections.around.stop.requested or not self._read_only.stopped(error):
                raise
            self._connections.around.journal.info("env.py stopped", message=first_line(error))
            if not sites.found:
                self._presume(sites, error)
        if self._read_only.wrote:
            self._read_only.tell(read_only.STOPPED)

    def _presume(self, sites: Sites, error: BaseException) -> None:
        """Find the version table of an env.py that must write before it configures one."""
        origin = self._connections.origin
        if origin is None:
            raise error
        own = self._connections.reach(origin)
        schema, name = scripts.version_table(self.script) or ("", _DEFAULT_TABLE)
        schema = schema or self._invocation.schema
        if doubtful := read_only.other_than(own, versions.VersionTable(schema, name)):
            with self._read_only.lifted(own, doubtful):
                self._run(sites)
            return
        location = versions.locate(own.rows, schema, name)  # nothing was migrated yet, or this one is its own
        own.close()
        sites.found.append(Site(origin, location.table, location.database, role=self._invocation.role))

    def _run(self, sites: Sites) -> None:
        self._connections.forget()
        config = environment.open_config(self._invocation)
        script = environment.open_scripts(config, self._invocation)
        option.give_url(config, script, self._connections.address)
        engine = direct.Engine(config, script, self._connections.around.journal)
        hooks = environment.Hooks(
            lambda *given: self._configuring(sites, *given),
            lambda _: self._load(script),
            connect=engine.connect if self._connections.address else None,
            running=lambda _: self._running(sites),
        )
        self.cut_short = None
        try:
            environment.run(config, script, hooks, self._invocation.target)
        except (Exception, SystemExit) as error:
            if self._read_only.stopped(error) or not _would_have_run(script, sites.found):
                raise
            self.cut_short = ending(self._connections, error)
            self._last = self.cut_short.verdict
            message = f"env.py needs what its pending revisions make, and was heard until there: {self.cut_short}"
            self._connections.around.journal.info("env.py ended early", message=message)
        if "configure" not in hooks.calls:
            if why := self._connections.refused or environment.never_ran(hooks.calls, self._invocation.target):
                raise why
            self._nothing = (environment.NOTHING,)

    def _load(self, script: Any) -> None:
        """Read the revisions where env.py has just said where they are, and while what they import is there."""
        if not scripts.read_statically(script):
            scripts.heads(script)
        self.script = script


def _would_have_run(script: Any, sites: list[Site]) -> bool:
    """Tell whether revisions are missing where env.py called context.run_migrations()."""
    return any(scripts.missing(script, scripts.heads(script), site.seen) for site in sites if site.seen is not None)


def ending(connections: Connections, error: BaseException) -> Ending:
    """Return what an error means that came while somebody looked."""
    if stopped := connections.around.stop.requested:
        return stopped
    origin = connections.origin
    return Ending.of(classify(connections.explain(error), Scene(server=origin.place if origin else "")))
