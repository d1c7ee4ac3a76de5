"""Listen at every engine of this process: rewrite where it connects to, and set its sessions up.

It works without knowing env.py: SQLAlchemy tells class-level listeners about each connection before env.py has it.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import Pool

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import drivers, vacancy
from alembic_operator.runner.database.attempt import connect_failed
from alembic_operator.runner.database.begun import Begun
from alembic_operator.runner.database.between import Between
from alembic_operator.runner.database.network import client_side, keep_alive
from alembic_operator.runner.database.own import Origin, OwnConnection, fetch, literal
from alembic_operator.runner.database.session import READ_ONLY
from alembic_operator.runner.process import masking
from alembic_operator.runner.process.causes import chain
from alembic_operator.runner.process.failures import Ending, is_database_error

if TYPE_CHECKING:
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.session import Session
    from alembic_operator.runner.process.run_context import RunContext

_ORIGIN = "alembic_operator.origin"
_READY = "alembic_operator.ready"
_MODULES = ("psycopg", "psycopg2", "psycopg2cffi", "asyncpg", "pg8000")
_ITS_OWN_WAY = "Remove spec.database, so that env.py connects as it always does."
_PREFLIGHT_SECONDS = 10.0
PASSING = (Reason.DATABASE_UNREACHABLE, Reason.RESOURCES_EXHAUSTED)
_ROLE_PATIENCE = 3.0
"""A role is waited for so many times longer than a server."""
_ROLE_SPARE_SECONDS = 2.0
_ROLE_PAUSE = (0.3, 1.2)


@dataclass
class Connections:
    """Every PostgreSQL connection that env.py and the revisions make."""

    around: RunContext
    session: Session
    address: Address | None = None
    patience: float = _PREFLIGHT_SECONDS
    """How long the first connection is tried again."""
    on_checkout: Callable[[Any, dict[Any, Any], Origin], None] = field(default=lambda *_: None)
    """Called with each migration connection before it is used."""
    on_reached: Callable[[OwnConnection, Origin], None] = field(default=lambda *_: None)
    """Called with the connection of the first look, before env.py has one."""
    create: Callable[[Origin], OwnConnection] | None = None
    """Makes the database that is missing, and reaches it."""
    shared: bool = False
    """Whether a pooler may lend these sessions to others, too: nothing is set in them."""
    origin: Origin | None = None
    """How the migrated database is reached, once known."""
    spare: OwnConnection | None = None
    """The connection of the first look; the lock takes it over."""
    refused: Ending | None = None
    """Why the last connection could not be made; env.py knows it from its driver."""
    newest: int | None = None
    """The newest relation that was there before env.py could make one; None: it was not asked."""
    is_of_fleet: bool = False
    """The next run of this process is of another tenant, over the same connection of the runner's own; the fleet reads
    back, and nobody reads the facts of each revision."""
    between: Between = field(default_factory=Between)
    """What the run before left for the next one."""
    begun: Begun = field(default_factory=Begun)
    """Which transactions somebody began on purpose."""

    def install(self) -> None:
        """Begin to listen, for the rest of this process."""
        event.listen(Engine, "do_connect", self._before_connect)
        event.listen(Pool, "connect", self._connected)
        event.listen(Pool, "checkout", self._checked_out)
        event.listen(Engine, "before_cursor_execute", self._before_execute)
        self.begun.install()

    def ready(self, raw: Any, info: dict[Any, Any]) -> None:
        """Set a migration connection's session up, unless that is done."""
        if not self.shared and info.get(_READY) is not self.session:
            self.between.set_up(self.session, raw, info.get(_ORIGIN) if self.is_of_fleet else None)
            keep_alive(raw)
            info[_READY] = self.session

    def origin_of(self, connection: Connection) -> Origin:
        """Return how a connection of env.py's was made; creators of its own are called again."""
        found = connection.info.get(_ORIGIN)
        if isinstance(found, Origin):
            return found
        pool = connection.engine.pool
        return Origin(connection.dialect, lambda: pool._invoke_creator(None), "", self.session.own())  # noqa: SLF001

    def reach(self, origin: Origin, patience: float | None = None) -> OwnConnection:
        """Connect, and try again for a while when there is no server.

        Raises:
            Ending: DatabaseUnreachable, AuthenticationFailed, DatabaseNotFound or PermissionDenied.
        """
        give_up = time.monotonic() + (self.patience if patience is None else patience)
        pause, said = 0.2, ""
        while True:
            try:
                return origin.open()
            except Exception as error:
                ending = connect_failed(error, origin)
                if ending.verdict.reason not in PASSING or time.monotonic() + pause > give_up:
                    raise ending from error
                if str(ending) != said:
                    self.around.journal.info("waiting for the database", message=str(ending))
                said = str(ending)
            self.around.stop.pause(random.uniform(pause / 2, pause))  # noqa: S311  jitter, not a secret
            pause = min(2 * pause, 2.0)

    def take_spare(self, origin: Origin) -> OwnConnection:
        """Return the connection of the first look, or a new one when that led elsewhere."""
        spare, self.spare = self.spare, None
        if spare and self.origin and self.origin.place == origin.place:
            return spare
        if spare:
            spare.close()
        return origin.open()

    def hand_over(self, origin: Origin) -> OwnConnection | None:
        """Give away the connection of the first look, where it leads to an origin as the same user."""
        if not (self.spare and self.origin and self.origin.leads_as(origin)):
            return None
        spare, self.spare = self.spare, None
        return spare

    def forget(self) -> None:
        """Look at the next connection as if it were the first."""
        self.close_spare()
        self.origin = None

    def let_go(self, own: OwnConnection, origin: Origin) -> None:
        """Close a connection that holds no lock any more, or keep it for the next run of this process."""
        if not self.is_of_fleet or not self.between.leave(own, origin):
            own.close()

    def _spare_for(self, origin: Origin) -> OwnConnection:
        """Return what the run before left, or a new connection."""
        if left := self.between.take(origin, self.around.journal):
            own, self.newest = left
            return own
        return self._reach_or_tell(origin)

    def turn(self, session: Session, address: Address | None) -> None:
        """Be of another tenant from now on; a connection that was kept in a pool is set up anew."""
        self.forget()
        self.session, self.address = session, address
        self.refused, self.newest, self.shared, self.create = None, None, False, None
        self.begun.forget()
        self.between.sessions.turn()

    def close_spare(self) -> None:
        """Close what the first look left open."""
        if self.spare:
            self.spare.close()
        self.spare = None

    def _before_connect(self, dialect: Any, record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
        """Connect in SQLAlchemy's place, so that nothing that env.py listens with can turn it elsewhere again."""
        if dialect.name != "postgresql":
            return None
        driver = drivers.of(dialect)
        self._learn(cargs, cparams)
        client_side(driver, cparams)
        for listener in dialect.dispatch.do_connect:
            raw = None if listener == self._before_connect else listener(dialect, record, cargs, cparams)
            if raw is not None:
                return raw
        self._learn(cargs, cparams)
        if self.address:
            self.address.apply(driver, cparams)
        origin = Origin.from_arguments(dialect, cargs, cparams, (place_of(cparams), self.session.own()))
        if record is not None:
            record.info.update({_ORIGIN: origin, _READY: None})
            if self.is_of_fleet:
                self.between.teach(dialect, origin)
        if self.origin is None or (self.refused and record is not None):  # without one it is the runner's own
            self.origin = origin
            with self.around.stop.waiting("the database"):
                self.spare = self._spare_for(origin)
            self.shared = self.spare.is_pooled()
            if self.newest is None and not self.session.read_only:
                self.newest = self.between.look(self.spare) if self.is_of_fleet else vacancy.newest(self.spare)
            self.on_reached(self.spare, origin)
            with self.around.stop.waiting(f'the role "{self.session.role}"'):
                self.wait_for_role(self.spare)
        return self._made(origin, record, cargs, cparams)

    def _made(self, origin: Origin, record: Any, cargs: Any, cparams: dict[str, Any]) -> Any:
        dialect, driver = origin.dialect, origin.driver
        if self.is_of_fleet and driver == "psycopg" and record is not None and not cargs and self.origin is origin:
            return self.between.connect(dialect, origin, cparams, lambda made: self.ready(made, record.info))
        raw = dialect.connect(*cargs, **cparams)
        if driver == "pg8000":
            keep_alive(raw)
        return raw

    def _reach_or_tell(self, origin: Origin) -> OwnConnection:
        """Connect; tell env.py as its driver does when that cannot be: it may make the database, or go elsewhere."""
        patience = 0.0 if self.refused else self.patience  # from then on env.py waits as it likes
        self.refused = None
        try:
            return self.reach(origin, patience)
        except Ending as ending:
            if self.create is None or ending.verdict.reason is not Reason.DATABASE_NOT_FOUND:
                if not isinstance(ending.__cause__, Exception):
                    raise
                self.refused = ending
                raise ending.__cause__ from None
            create, self.refused = self.create, ending  # the next attempt must know
        own = create(origin)  # not while that is being handled: it would be the cause of all that fails
        self.refused = None
        return own

    def explain(self, error: BaseException) -> BaseException:
        """Return why the run ends, where env.py only passed on, or gave up after, that it could not connect."""
        if self.refused is None:
            return error
        for one in chain(error):
            if one is self.refused.__cause__:
                return self.refused
            if is_database_error(one):
                return error
        return self.refused if isinstance(error, SystemExit) else error

    def _learn(self, cargs: Any, cparams: dict[str, Any]) -> None:
        texts = [one for one in (*cargs, *cparams.values()) if isinstance(one, str)]
        for secret in (cparams.get("password"), *(found for one in texts for found in masking.within(one))):
            self.around.secrets.learn(secret)

    def wait_for_role(self, own: OwnConnection) -> None:
        """Wait for the role, which something else may be about to create, and not beyond the deadline."""
        role = self.session.role
        if not role:
            return
        patience = self.patience * _ROLE_PATIENCE
        give_up = time.monotonic() + min(patience, (self.around.stop.remaining or patience) - _ROLE_SPARE_SECONDS)
        said = False
        while not own.rows(f"SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = {literal(role)}"):
            message = f'role "{role}" does not exist'
            if time.monotonic() > give_up:
                raise Ending(Reason.ROLE_NOT_FOUND, message, "Create it, or correct spec.database.role.")
            if not said:
                self.around.journal.info("waiting for the role", message=f"{message} yet")
            said = True
            self.around.stop.pause(random.uniform(*_ROLE_PAUSE))  # noqa: S311  jitter, not a secret

    def _connected(self, raw: Any, record: Any) -> None:
        made_by = record.info.get(_ORIGIN)
        if made_by is None and self.address and _is_postgresql(raw):
            raise _not_redirected("with a creator", _ITS_OWN_WAY)
        if made_by and self.origin and made_by.place == self.origin.place:
            self.ready(raw, record.info)
            raw.commit()
        elif self.session.read_only and _is_postgresql(raw):  # who looks changes nothing elsewhere, either
            fetch(raw, READ_ONLY)
            raw.commit()

    def _checked_out(self, raw: Any, record: Any, _proxy: Any) -> None:
        if origin := record.info.get(_ORIGIN):
            self.on_checkout(raw, record.info, origin)

    def _before_execute(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.around.stop.check()
        if self.is_of_fleet:
            self.between.sessions.heard(statement)


def _not_redirected(how: str, hint: str) -> Ending:
    message = f"env.py makes its connections {how}, which cannot be redirected"
    return Ending(Reason.WRONG_DATABASE, message, hint)


def _is_postgresql(raw: Any) -> bool:
    """Tell whether a driver's connection is PostgreSQL's; SQLAlchemy wraps those of asynchronous drivers."""
    kinds = type(raw).__mro__ + type(getattr(raw, "_connection", raw)).__mro__
    return any(kind.__module__.split(".")[0] in _MODULES for kind in kinds)


def place_of(cparams: dict[str, Any]) -> str:
    """Return host:port/database, for messages."""
    host = cparams.get("host") or cparams.get("hostaddr") or "localhost"
    hosts = host if isinstance(host, (list, tuple)) else [host]
    port = cparams.get("port") or "5432"
    ports = port if isinstance(port, (list, tuple)) else [port]
    database = cparams.get("dbname") or cparams.get("database") or ""
    return f"{','.join(map(str, hosts))}:{','.join(map(str, ports))}/{database}"
