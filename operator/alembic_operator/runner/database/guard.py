"""Take a version table for this run: its locks, its schema, and key B on every connection that may change it."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import locks
from alembic_operator.runner.database.attempt import connect_failed
from alembic_operator.runner.database.lines import Lines
from alembic_operator.runner.database.own import Origin, OwnConnection, fetch, literal
from alembic_operator.runner.database.sites import Site, Sites, end_unless_begun, raw_of
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.runner.database.connect import Connections

_SHARED = "alembic_operator.shared"


@dataclass
class Guard:
    """Guards every version table that one run changes."""

    connections: Connections
    sites: Sites
    role: str
    on_waiting: Callable[[Site, OwnConnection], None]
    """Called with a version table whose lock another run holds, and with the connection that asks for it."""
    _locked: list[Site] = field(default_factory=list)
    """Those whose lock this attempt has seen to be held."""
    _examined: set[str] = field(default_factory=set)
    """The poolers that were found to be in session mode."""
    _attempted: bool = False
    waited: float = 0.0
    """Seconds that the locks took to get."""

    def __post_init__(self) -> None:
        self._lines = Lines(self.connections)
        self.connections.on_checkout = self._checked_out
        self.connections.on_reached = self._reached
        self.connections.around.stop.cancel = self._cancel

    def begin(self) -> None:
        """Begin an attempt: each lock is looked at again."""
        self._locked.clear()
        self._lines.drop_lost()
        if self._attempted:
            gc.collect()  # the connections of a failed attempt must not be left to share key B
        self._attempted = True

    def enter(self, connection: Any, arguments: dict[str, Any]) -> Site:
        """Lock the version table that env.py is about to configure; its heads are read after that."""
        if connection is not None:
            self._own_the_transaction(connection)
        site = self.sites.examine(connection, arguments)
        self._lock(site)
        self._locked.append(site)
        self._create_schema(site)
        self._share(raw_of(connection), connection.info, site.origin)
        end_unless_begun(connection)
        return site

    def follow(self, context: Any) -> None:
        """Leave a transaction that env.py began after context.configure() to env.py, as Alembic does one before it."""
        transaction = context.connection.get_transaction()
        external = context._in_external_transaction  # noqa: SLF001  there is no public name
        if transaction is not None and not external and self.connections.begun.has(transaction):
            context._in_external_transaction = True  # noqa: SLF001
            self._say_external()

    def take_over(self, context: Any) -> None:
        """Let context.begin_transaction() commit a transaction that env.py began after context.configure().

        Alembic takes it for its own there, but not with one transaction for each revision, as the runner wants it.
        """
        original = context.begin_transaction

        @contextmanager
        def begin_transaction(*arguments: Any, **named: Any) -> Iterator[Any]:
            begun = context.connection.get_transaction()
            own = begun is not None and not context._in_external_transaction and self.connections.begun.has(begun)  # noqa: SLF001
            with original(*arguments, **named) as transaction:
                yield transaction
            if own and begun.is_active:
                begun.commit()

        context.begin_transaction = begin_transaction

    def leave(self) -> None:
        """Let the next runner begin."""
        self._lines.close()

    def _own_the_transaction(self, connection: Any) -> None:
        """Commit what SQLAlchemy began by itself; Alembic would take it for env.py's, and nobody would ever commit."""
        transaction = connection.get_transaction()
        if transaction is None:
            return
        if self.connections.begun.has(transaction) or connection.in_nested_transaction():
            self._say_external()
            return
        transaction.commit()
        message = "env.py ran a statement before context.configure(); its transaction was committed"
        self.connections.around.journal.info("transaction committed", message=message)

    def _say_external(self) -> None:
        message = "env.py holds one transaction around all revisions; they are committed together, or not at all"
        self.connections.around.journal.warning("external transaction", message=message)

    def _reached(self, own: OwnConnection, origin: Origin) -> None:
        """Let a pooler pass that gives every connection a session of its own, and set this one up."""
        if own.is_pooled():
            if origin.place not in self._examined:
                from alembic_operator.runner.database import pooler  # noqa: PLC0415  few have one

                pooler.require_session(own, origin, self.connections.around.journal)
            self._examined.add(origin.place)
            self.connections.shared = False
            own.rows(origin.setup)

    def _lock(self, site: Site) -> None:
        if site.lock and site.lock.held():
            return
        if site.lock:
            self._lines.drop_lost()
        own, new = self._lines.to(site)
        if new:
            self._require_primary(own, site)
        around, name = self.connections.around, self.connections.session.application_name
        waiting = locks.Waiting(around.stop, around.journal, name, lambda: self._waits(site, own))
        site.alone = self._lines.speaks_for(site)
        with self._counted():
            site.lock = locks.acquire(own, site.table, waiting)

    def _waits(self, site: Site, own: OwnConnection) -> None:
        self.on_waiting(site, own)
        own.rows("SET ROLE NONE")  # whoever took a role meanwhile: it goes on asking as the user that logged in

    @contextmanager
    def _counted(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            self.waited += time.monotonic() - begun

    def _require_primary(self, own: OwnConnection, site: Site) -> None:
        self._reached(own, site.origin)
        if own.is_standby():
            message = f"{site.origin.place} is a standby"
            raise Ending(Reason.READ_ONLY_DATABASE, message, "Connect to the primary; it is tried again.")

    def _create_schema(self, site: Site) -> None:
        name = self.connections.session.schema
        if not name or not site.lock:
            return
        from alembic_operator.runner.database import schema  # noqa: PLC0415  few ask for one

        try:
            made = schema.prepare(site.lock.own, site, name, self.role, may_create=self.connections.session.may_create)
        except Exception as error:
            raise connect_failed(error, site.origin) from error
        if made:
            self.connections.around.journal.info("schema created", schema=name)

    def _checked_out(self, raw: Any, info: dict[Any, Any], origin: Origin) -> None:
        if self._share(raw, info, origin):
            raw.rollback()

    def _share(self, raw: Any, info: dict[Any, Any], origin: Origin) -> bool:
        """Take key B of the version table that is at work on a migration connection; False: it had it."""
        site = self._locked[-1] if self._locked else None
        lock = site.lock if site and site.origin.place == origin.place else None
        shared = info.setdefault(_SHARED, {})
        if lock is None or shared.get(lock.table) is raw:
            return False
        with self._counted():
            locks.share(lambda sql: fetch(raw, sql), lock, self.connections.around.stop)
        shared[lock.table] = raw
        return True

    def _cancel(self) -> None:
        origins = {site.place: site.origin for site in self.sites.found}
        if not origins and self.connections.origin:
            origins[self.connections.origin.place, "", ""] = self.connections.origin
        for origin in origins.values():
            own = origin.open()
            try:
                own.rows("SET ROLE NONE")
                own.rows(
                    "SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity WHERE state = 'active'"
                    f" AND application_name = {literal(self.connections.session.application_name)}"
                )
            finally:
                own.close()
