"""Read the database heads without changing anything, and without running env.py where that can be helped."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands import unfinished
from alembic_operator.runner.database import applied, direct, option, read_only, vacancy, versions
from alembic_operator.runner.database.idle import IdleConnections
from alembic_operator.runner.database.read_only import ReadOnly
from alembic_operator.runner.database.reader import Reader
from alembic_operator.runner.database.sites import Site, Sites
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify, first_line
from alembic_operator.runner.project import environment, scripts
from alembic_operator.runner.project.state import Contents
from alembic_operator.runner.project.targets import union

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections

_ENV_PAUSE = (2.0, 60.0)
_DEFAULT_TABLE = "alembic_version"


class AlembicInspection:
    """Looks at one project's database again and again; env.py runs once, and again only when it has to."""

    def __init__(self, invocation: Invocation, connections: Connections, trust: float = 0.0) -> None:
        """Begin to look; for `trust` seconds an absent version table means that nothing was migrated yet."""
        self._invocation = invocation
        self._connections = connections
        self._read_only = ReadOnly(connections)
        self._read_only.install()
        self.script: Any = environment.open_scripts(environment.open_config(invocation), invocation)
        readable = scripts.read_statically(self.script)
        self._static = scripts.version_table(self.script) if readable else None
        self._sites: list[Site] = []
        self._reader = Reader()
        self._idle = IdleConnections() if invocation.command == "gate" else None
        self._guessed = False
        """The version table is one of its name; nobody said in which schema."""
        self._env_may_run = 0.0
        self._doubt_after = time.monotonic() + trust
        self._env_pause = _ENV_PAUSE[0]
        self._last: Verdict | None = None
        self._just_asked = self._ends = False
        self._cut_short: Ending | None = None
        """Why env.py failed after revisions that were only looked at; it may read what they make."""
        self._nothing: tuple[str, ...] = ()

    def heads(self) -> list[tuple[str, ...]]:
        """Return the heads of each version table that env.py configures.

        Raises:
            Ending: why they cannot be read.
        """
        self._just_asked = False
        try:
            if not self._sites:
                self._find()
            found = self._read()
            if self._is_contested() if any(found) else self._is_doubtful() and self._env_is_due():
                self._ask_env()
                found = self._read()
        except BaseException as error:
            self._reader.close()
            raise self._ending(error) from error
        return found

    def contents(self) -> list[Contents]:
        """Return the heads, and what the history holds where the scripts do not know one of them.

        Raises:
            Ending: why they cannot be read.
        """
        heads = self.heads()
        if self._invocation.history != "Enabled" or not scripts.unknown(self.script, union(heads)):
            return [Contents(one, table=site.table.sql) for site, one in zip(self._sites, heads)]  # noqa: B905  3.9
        if self._ends:
            return [Contents(one, frozenset()) for one in heads]  # nobody can be asked any more: it is only assumed
        try:
            return [self._recorded(site) for site in self._sites]
        except BaseException as error:
            self._reader.close()
            raise self._ending(error) from error

    def heard_out(self, *, pending: bool) -> bool:
        """Tell whether env.py configured all that it would; else forget what it did, and ask it again."""
        if self._cut_short is None or pending:
            return True
        self._sites, self._env_may_run = [], 0.0
        return False

    def require_heard_out(self, *, pending: bool) -> None:
        """Raise why env.py failed, where no pending revision explains it."""
        if self._cut_short and not pending:
            raise self._cut_short

    def _recorded(self, site: Site) -> Contents:
        own = self._reader.over(site)
        with own.role(site.role):
            return applied.contents(own, site.table)

    def _is_doubtful(self) -> bool:
        """Tell whether env.py may find another version table: one of that name is somewhere, and this one is empty.

        Where there is none, or its schema is said, env.py need not run: it may make the application and its tables.
        """
        if not self._guessed or time.monotonic() < self._doubt_after:
            return False
        return any(versions.is_anywhere(self._reader.over(site).rows, site.table.name) for site in self._sites)

    def _is_contested(self) -> bool:
        """Tell whether only env.py knows if this is its own version table."""
        if not self._guessed:
            return False
        return any(versions.is_contested(self._reader.over(site).rows, site.table) for site in self._sites)

    def warnings(self, heads: list[tuple[str, ...]]) -> tuple[str, ...]:
        """Return what somebody should look at where there are no heads; ask it just after they were read."""
        told = (*self._nothing, *self._read_only.told)
        if self._ends:
            return told
        sites = zip(self._sites, heads)  # noqa: B905  3.9 has no strict
        found = [vacancy.find(self._reader.over(site), site.table) for site, there in sites if not there]
        return (*told, *(one.warning for one in found if one))

    def told(self, result: Result, *, closely: bool) -> Result:
        """Return the Result with what is unfinished in the databases that were just read.

        Raises:
            Ending: why they cannot be asked.
        """
        if self._ends:
            return result  # nobody can be asked any more
        try:
            for site, heads in zip(self._sites, self._reader.read(self._sites)):  # noqa: B905  3.9 has no strict
                look = unfinished.Look(self._reader.over(site).rows, site.table, heads)
                result = unfinished.told(result, self.scripts.graph, [look], closely=closely)
        except Exception as error:
            self._reader.close()
            raise self._ending(error) from error
        return result

    @property
    def scripts(self) -> scripts.Loaded:
        """The revisions."""
        return scripts.Loaded(self.script)

    @property
    def driver(self) -> str:
        """The name of the driver that reaches the database; empty: none was needed yet."""
        origin = self._connections.origin
        return origin.driver if origin else ""

    def _read(self) -> list[tuple[str, ...]]:
        """Read each version table, anew when what was kept for it has been lost."""
        kept = self._reader.connected
        try:
            return self._reader.read(self._sites)
        except Exception:
            if not kept:
                raise
        self._reader.close()
        try:
            return self._reader.read(self._sites)
        except Exception as error:  # noqa: BLE001  it is raised again, unless env.py knows a way
            return self._read_with_env(error)

    def _read_with_env(self, error: Exception) -> list[tuple[str, ...]]:
        """Return what was read while env.py ran, where the way to the database ends with it.

        Raises:
            Exception: the error of a fresh connection, where the way should still be there.
        """
        if not all(site.origin.may_end for site in self._sites):
            raise error
        if not self._just_asked and self._env_is_due():
            self._ask_env()
        if not self._just_asked and not self._ends:
            raise error
        self._ends = True
        seen = [site.seen for site in self._sites if site.seen is not None]
        if len(seen) < len(self._sites):
            raise error
        return seen

    def _ending(self, error: BaseException) -> Ending:
        if stopped := self._connections.around.stop.requested:
            return stopped
        origin = self._connections.origin
        verdict = classify(self._connections.explain(error), Scene(server=origin.place if origin else ""))
        if verdict.reason is Reason.AUTHENTICATION_FAILED:
            self._sites = []  # env.py may have read the old password; it is asked again
        return Ending.of(verdict)

    def _find(self) -> None:
        address = self._connections.address
        origin = direct.origin(address, self._connections.session.own()) if address and self._static else None
        if origin and self._static:
            self._connections.origin = origin
            own = self._connections.reach(origin)
            try:
                schema, name = self._static
                location = versions.locate(own.rows, schema or self._invocation.schema, name)
            finally:
                own.close()
            self._sites = [Site(origin, location.table, location.database, role=self._invocation.role)]
            self._guessed = not (schema or self._invocation.schema)
        else:
            self._probe()
            self._ask_env()

    def _probe(self) -> None:
        """Wait for the server with a cheap connection; env.py may import a whole application."""
        origin = self._connections.origin
        if origin is None:
            return
        try:
            self._connections.reach(origin).close()
        except Ending as ending:
            if ending.verdict.reason is not Reason.AUTHENTICATION_FAILED or not self._env_is_due():
                raise

    def _env_is_due(self) -> bool:
        return time.monotonic() >= self._env_may_run

    def _ask_env(self) -> None:
        if not self._env_is_due() and self._last:
            raise Ending.of(self._last)
        sites = Sites(self._connections, [])
        try:
            self._look_by_env(sites)
        except BaseException as error:
            self._last = self._ending(error).verdict
            raise
        finally:
            self._connections.close_spare()
            if self._idle:
                self._idle.close()
            self._env_may_run = time.monotonic() + self._env_pause
            self._env_pause = min(2 * self._env_pause, _ENV_PAUSE[1])
        self._sites, self._guessed, self._just_asked = sites.found, False, True

    def _configuring(self, sites: Sites, connection: Any, arguments: dict[str, Any]) -> None:
        """Connect while env.py holds the way there: a connector, a tunnel or a pool may end with it.

        Not where env.py's transaction may hold the only connection of a pooler: a second one would wait for its end.
        """
        site = sites.examine(connection, arguments)
        if self._connections.shared:
            return
        self._connections.hand_over(self._reader, site.origin)
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

    def _look_by_env(self, sites: Sites) -> None:
        """Run env.py without the right to write; what it configured before it wanted to counts."""
        self._read_only.begin()
        try:
            self._run_env(sites)
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
                self._run_env(sites)
            return
        location = versions.locate(own.rows, schema, name)  # nothing was migrated yet, or this one is its own
        own.close()
        sites.found.append(Site(origin, location.table, location.database, role=self._invocation.role))

    def _run_env(self, sites: Sites) -> None:
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
        self._cut_short = None
        try:
            environment.run(config, script, hooks, self._invocation.target)
        except (Exception, SystemExit) as error:
            if self._read_only.stopped(error) or not _would_have_run(script, sites.found):
                raise
            self._cut_short = self._ending(error)
            self._last = self._cut_short.verdict
            message = f"env.py needs what its pending revisions make, and was heard until there: {self._cut_short}"
            self._connections.around.journal.info("env.py ended early", message=message)
        if "configure" not in hooks.calls:
            ending = self._connections.refused or environment.never_ran(hooks.calls, self._invocation.target)
            if ending:
                raise ending
            self._nothing = (environment.NOTHING,)

    def _load(self, script: Any) -> None:
        """Read the revisions where env.py has just said where they are, and while what they import is there."""
        if not scripts.read_statically(script):
            scripts.heads(script)
        self.script = script


def _would_have_run(script: Any, sites: list[Site]) -> bool:
    """Tell whether revisions are missing where env.py called context.run_migrations()."""
    return any(scripts.missing(script, scripts.heads(script), site.seen) for site in sites if site.seen is not None)
