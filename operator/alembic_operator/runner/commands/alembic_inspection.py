"""Read the database heads without changing anything, and without running env.py where that can be helped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands import env_asked, unfinished
from alembic_operator.runner.commands.env_asked import EnvAsked
from alembic_operator.runner.database import applied, direct, vacancy, versions
from alembic_operator.runner.database.reader import Reader
from alembic_operator.runner.database.sites import Site
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import scripts
from alembic_operator.runner.project.state import Contents
from alembic_operator.runner.project.targets import union

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.versions import Question


class AlembicInspection:
    """Looks at one project's database again and again; env.py runs once, and again only when it has to."""

    def __init__(self, invocation: Invocation, connections: Connections, trust: float = 0.0) -> None:
        """Begin to look; for `trust` seconds an absent version table means that nothing was migrated yet."""
        self._invocation = invocation
        self._connections = connections
        self._reader = Reader()
        self._env = EnvAsked(invocation, connections, self._reader)
        readable = scripts.read_statically(self.script)
        self._static = scripts.version_table(self.script) if readable else None
        self._sites: list[Site] = []
        self._guessed = False
        """The version table is one of its name; nobody said in which schema."""
        self._doubt_after = time.monotonic() + trust
        self._just_asked = self._ends = False

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
            if self._is_contested() if any(found) else self._is_doubtful() and self._env.is_due:
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
            return [self._answer(site, applied.contents) for site in self._sites]
        except BaseException as error:
            self._reader.close()
            raise self._ending(error) from error

    def heard_out(self, *, pending: bool) -> bool:
        """Tell whether env.py configured all that it would; else forget what it did, and ask it again."""
        if self._env.cut_short is None or pending:
            return True
        self._sites = []
        self._env.be_due()
        return False

    def require_heard_out(self, *, pending: bool) -> None:
        """Raise why env.py failed, where no pending revision explains it."""
        if self._env.cut_short and not pending:
            raise self._env.cut_short

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
        told = self._env.told
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

    def asked(self, question: Question) -> list[Any]:
        """Ask beside each version table that was just read.

        Raises:
            Ending: why it cannot be asked.
        """
        try:
            return [self._answer(site, question) for site in self._sites] if not self._ends else []
        except Exception as error:
            self._reader.close()
            raise self._ending(error) from error

    def _answer(self, site: Site, question: Question) -> Any:
        own = self._reader.over(site)
        with own.role(site.role):
            return question(own, site.table)

    @property
    def script(self) -> Any:
        """Alembic's ScriptDirectory, as env.py saw it last."""
        return self._env.script

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
        if not self._just_asked and self._env.is_due:
            self._ask_env()
        if not self._just_asked and not self._ends:
            raise error
        self._ends = True
        seen = [site.seen for site in self._sites if site.seen is not None]
        if len(seen) < len(self._sites):
            raise error
        return seen

    def _ending(self, error: BaseException) -> Ending:
        ending = env_asked.ending(self._connections, error)
        if ending.verdict.reason is Reason.AUTHENTICATION_FAILED:
            self._sites = []  # env.py may have read the old password; it is asked again
        return ending

    def _ask_env(self) -> None:
        self._sites = self._env.ask()
        self._guessed, self._just_asked = False, True

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
            if ending.verdict.reason is not Reason.AUTHENTICATION_FAILED or not self._env.is_due:
                raise
