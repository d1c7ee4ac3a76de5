"""The version tables that env.py configures: one, or several when it migrates several databases or schemas."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import drivers, versions
from alembic_operator.runner.database.own import Origin, fetch
from alembic_operator.runner.process.failures import Ending, is_there

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.leftovers import Leftovers
    from alembic_operator.runner.database.locks import Lock
    from alembic_operator.runner.database.own import OwnConnection

_DEFAULT_TABLE = "alembic_version"


@dataclass
class Site:
    """One version table and what the run learnt about it."""

    origin: Origin
    table: versions.VersionTable
    database: str
    existed: bool = False
    """The version table was there before this run."""
    server: str = ""
    """The server's own address."""
    role: str = ""
    """The role in which env.py works there; empty: none."""
    lock: Lock | None = None
    alone: bool = True
    """The lock's connection is of the user that env.py is there; another version table may have brought another one."""
    before: tuple[str, ...] | None = None
    """Database heads when Alembic first read them under the lock."""
    aims: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What each target aims at, seen from the heads that it found first; a later attempt must not count anew."""
    ahead: tuple[str, ...] = ()
    """Database heads that the scripts do not know."""
    contains: frozenset[str] = frozenset()
    """The revisions that the database contained when its heads were compared last."""
    seen: tuple[str, ...] | None = None
    """The heads that were read while env.py held the way there; None: they were not, or may have changed since."""
    leftovers: Leftovers | None = None
    """What was unfinished in the database when it was locked first; the comment, when it was locked last."""

    @property
    def target(self) -> tuple[str, ...] | None:
        """What the whole run aims at, sorted; None: it came to no target yet."""
        return tuple(sorted({one for aim in self.aims.values() for one in aim})) if self.aims else None

    @property
    def place(self) -> tuple[str, str, str]:
        """Which database it is in; a creator's has no address but the one that the server tells."""
        return self.origin.place, self.database, "" if self.origin.place else self.server

    @property
    def is_seen_there(self) -> bool:
        """Whether the heads that were read while env.py held the way there are all that the run aims at."""
        return self.seen is not None and set(self.target or ()).issubset(self.seen)

    def counts_early(self, error: BaseException) -> bool:
        """Tell whether what was read while env.py held the way there counts, where it cannot be read again."""
        return self.seen is not None and not is_there(error)

    def read_over(self, own: OwnConnection) -> tuple[str, ...]:
        """Read the database heads over a connection, in the role in which env.py works."""
        with own.role(self.role):
            return versions.read_heads(own, self.table)

    @contextmanager
    def line(self, lock: Lock) -> Iterator[OwnConnection]:
        """Lend a connection of the user that env.py is there, the lock's where that is one."""
        own = lock.own if self.alone else self.origin.open()
        try:
            yield own
        finally:
            if own is not lock.own:
                own.close()

    def found(self, location: versions.Location) -> None:
        """Learn what the connection sees now; env.py may have moved it after it configured it."""
        self.table, self.role = location.table, location.role


@dataclass
class Sites:
    """All of them, in the order in which env.py configured them."""

    connections: Connections
    found: list[Site]
    _last: Site | None = None
    _asked: tuple[Any, dict[str, Any]] = (None, {})
    """With what the last one was configured."""

    def examine(self, connection: Any, arguments: dict[str, Any]) -> Site:
        """Return the site of a connection that env.py gives to context.configure().

        Raises:
            Ending: NotPostgreSQL, WrongDatabase or EnvFailed.
        """
        _require_postgresql(connection)
        drivers.of(connection.dialect)
        origin = self.connections.origin_of(connection)
        if self.connections.session.schema:
            arguments.setdefault("version_table_schema", self.connections.session.schema)
        _translate(connection, arguments)
        raw = raw_of(connection)
        self.connections.ready(raw, connection.info)
        location = self.locate(connection, arguments)
        self._require_right(location)
        where = (location.table, location.database, location.exists, location.server, location.role)
        self._asked = (connection, arguments)
        self._last = self._remember(Site(origin, *where))
        return self._last

    @property
    def last(self) -> Site:
        """Return the one that was configured last."""
        return self._last or self.found[-1]

    def again(self, site: Site) -> None:
        """Look where the last one is now: env.py may have changed the search path or the role meanwhile."""
        if self._asked[0] is not None:
            site.found(self.locate(*self._asked))

    def locate(self, connection: Any, arguments: dict[str, Any]) -> versions.Location:
        """Find the version table as this connection sees it, without beginning a transaction on it."""
        raw = raw_of(connection)
        schema = arguments.get("version_table_schema") or ""
        name = arguments.get("version_table") or _DEFAULT_TABLE
        location = versions.locate(lambda sql: fetch(raw, sql), str(schema), str(name))
        end_unless_begun(connection)
        return location

    def _require_right(self, location: versions.Location) -> None:
        address = self.connections.address
        if address and address.database and address.database != location.database:
            message = f"env.py is connected to the database {location.database}, not to {address.database}"
            raise Ending(Reason.WRONG_DATABASE, message, "Check spec.database, and where env.py connects to.")

    def _remember(self, site: Site) -> Site:
        for known in self.found:
            if (known.table, known.place) == (site.table, site.place):
                known.origin, known.role = site.origin, site.role
                return known
        self.found.append(site)
        return site


def _require_postgresql(connection: Any) -> None:
    if connection is None:
        message = "env.py gave context.configure() no connection"
        raise Ending(Reason.ENV_FAILED, message, "Configure with connection=..., as Alembic's own templates do.")
    if connection.dialect.name != "postgresql":
        message = f"env.py connects to {connection.dialect.name}, not to PostgreSQL"
        raise Ending(Reason.NOT_POSTGRESQL, message, "Check the URL that env.py uses in this pod; does it fall back?")


def _translate(connection: Any, arguments: dict[str, Any]) -> None:
    """Name the schema in which a connection's schema_translate_map puts the version table.

    Alembic creates it there, and looks for it in the next run where no map leads.
    """
    translated = connection.get_execution_options().get("schema_translate_map") or {}
    if found := translated.get(arguments.get("version_table_schema") or None):
        arguments["version_table_schema"] = str(found)


def raw_of(connection: Any) -> Any:
    """Return the DBAPI connection; SQLAlchemy would begin a transaction for each statement that it sees."""
    fairy = connection.connection
    return getattr(fairy, "dbapi_connection", None) or fairy.connection


def end_unless_begun(connection: Any) -> None:
    """End the transaction that a statement on the DBAPI connection began, unless env.py is in one.

    By a commit: SQLAlchemy 1.4 knows of none after a SET search_path of env.py's, which a rollback would undo.
    """
    if not connection.in_transaction():
        raw_of(connection).commit()
