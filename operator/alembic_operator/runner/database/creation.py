"""Make the database of a run where the server has none of that name."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import activity, direct
from alembic_operator.runner.database.attempt import connect_failed
from alembic_operator.runner.database.connect import PASSING, place_of
from alembic_operator.runner.database.own import Origin, OwnConnection, literal, quoted
from alembic_operator.runner.process.failures import Ending, Scene, Verdict, classify, first_line, sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.database.connect import Connections

_MAINTENANCE = ("postgres", "template1")
"""Where CREATE DATABASE is sent. Not first to what it copies by default: each session there is in everybody's way."""
_DEFAULT_TEMPLATE = "template1"
_NAME_BYTES = 63
_POOLER_SECONDS = 30.0
"""PgBouncer asks a server again 15 seconds after it refused, and answers nothing, or the same, until then."""
_IS_THERE = ("42P04", "23505")
"""Another runner made it; with the second one just at the same moment."""
_IN_USE = "55006"
_RIGHTS = (
    "Let an administrator give the user what it lacks: ALTER ROLE ... CREATEDB; GRANT owner TO user; ALTER DATABASE"
    " template IS_TEMPLATE true. Or let them create the database. It is tried again."
)
_MEANINGS = {
    "3D000": (
        Reason.DATABASE_NOT_FOUND,
        "Create the template, or correct spec.database.create.template; it is tried again.",
    ),
    "42704": (Reason.ROLE_NOT_FOUND, "Create the role, or correct spec.database.create.owner; it is tried again."),
    "42501": (Reason.PERMISSION_DENIED, _RIGHTS),
}
"""What a refusal means by its SQLSTATE."""
_ALONE = (
    "CREATE DATABASE needs its template for itself: let these sessions end. A template that takes no connections (ALTER"
    " DATABASE ... ALLOW_CONNECTIONS false) is never in use. It is tried again."
)
_BY_HAND = "Let an administrator create the database, or let the user connect to postgres; it is tried again."
_OTHER = "Mend what the server says, or let an administrator create the database; it is tried again."
_COLLATION = (
    "The server's system sorts otherwise than when the template was made: rebuild the indexes there, then run ALTER"
    " DATABASE template REFRESH COLLATION VERSION; template1 holds none as a rule. It is tried again."
)


@dataclass(frozen=True)
class Creation:
    """How the database of a run is made."""

    connections: Connections
    address: Address
    template: str
    owner: str

    @staticmethod
    def of(invocation: Invocation, connections: Connections) -> Creation:
        """Return what the command line asks for.

        Raises:
            Ending: ConfigInvalid; it does not say which database, or none that can have its name.
        """
        address = connections.address
        if address is None or not address.database:
            message = "no name is given to the database that is to be created"
            raise _unnamed(message, "Write it into the URL in the Secret: postgresql://user:password@host:port/NAME.")
        if (size := len(address.database.encode())) > _NAME_BYTES:
            message = f"the name of the database has {size} bytes; PostgreSQL would cut it after {_NAME_BYTES}"
            raise _unnamed(message, "Shorten it: else two names that begin alike are one database.")
        return Creation(connections, address, invocation.create_template, invocation.create_owner or invocation.role)

    def reach(self, origin: Origin) -> OwnConnection:
        """Make what cannot be reached this way because it is not there, and reach it.

        Raises:
            Ending: why it cannot be made.
        """
        self._make(origin)
        give_up = time.monotonic() + _POOLER_SECONDS
        while True:
            try:
                return self.connections.reach(origin, give_up - time.monotonic())
            except Ending as ending:
                if ending.verdict.reason is not Reason.DATABASE_NOT_FOUND or time.monotonic() > give_up:
                    raise
            self.connections.around.stop.pause(1.0)

    def _make(self, origin: Origin) -> None:
        """Make it; that another runner was faster is as good."""
        name, around, begun = self.address.database, self.connections.around, time.monotonic()
        way, own = self._maintenance(origin)
        event = "database created"
        try:
            self.connections.wait_for_role(own)
            around.journal.info("creating the database", database=name, template=self._source, owner=self.owner)
            with around.stop.waiting(f'the database "{name}" to be created'), self._stoppable(way, own):
                own.patiently(self._statement)
        except Exception as error:
            if sqlstate(error) not in _IS_THERE:
                raise Ending.of(self._refusal(error, own)) from error
            event = "database created by another run"
        finally:
            own.close()
        around.journal.info(event, database=name, seconds=round(time.monotonic() - begun, 1))

    @property
    def _source(self) -> str:
        return self.template or _DEFAULT_TEMPLATE

    @property
    def _statement(self) -> str:
        owner = f" OWNER {quoted(self.owner)}" if self.owner else ""
        template = f" TEMPLATE {quoted(self.template)}" if self.template else ""
        return f"CREATE DATABASE {quoted(self.address.database)}{owner}{template}"

    def _maintenance(self, origin: Origin) -> tuple[Origin, OwnConnection]:
        """Connect as before, but to a database that every server has."""
        refused = []
        for name in _MAINTENANCE:
            way = self._beside(origin, name)
            try:
                return way, way.open()
            except Exception as error:  # noqa: BLE001  the drivers share no class
                refused.append(connect_failed(error, way))
        first = refused[0].verdict.reason
        reason = first if first in PASSING else Reason.DATABASE_NOT_FOUND
        name, told = self.address.database, "; ".join(map(str, refused))
        message = f'database "{name}" does not exist, and this user cannot connect to create it: {told}'
        raise Ending(reason, message, _BY_HAND)

    def _beside(self, origin: Origin, name: str) -> Origin:
        cparams: dict[str, Any] = dict(origin.arguments)
        replace(self.address, database=name).apply(origin.driver, cparams)
        session = self.connections.session
        setup = session.own(statement_timeout=str(session.statement_timeout_ms))
        return Origin(origin.dialect, lambda: origin.dialect.connect(**cparams), place_of(cparams), setup, cparams)

    @contextmanager
    def _stoppable(self, way: Origin, own: OwnConnection) -> Iterator[None]:
        """Let whoever stops the run cancel this statement, too."""
        stop = self.connections.around.stop
        ((backend,),) = own.rows("SELECT pg_catalog.pg_backend_pid()")

        def cancel() -> None:
            other = way.open()
            try:
                other.rows(f"SELECT pg_catalog.pg_cancel_backend({backend})")
            finally:
                other.close()

        before, stop.cancel = stop.cancel, cancel
        try:
            yield
        finally:
            stop.cancel = before

    def _refusal(self, error: Exception, own: OwnConnection) -> Verdict:
        code, told = sqlstate(error), first_line(error)
        found = classify(error, Scene(server=self.connections.origin.place if self.connections.origin else ""))
        reason, hint = found.reason, found.failure.hint
        if code == _IN_USE:
            reason, hint = Reason.TEMPLATE_IN_USE, _ALONE
            told = f'its template "{self._source}" is in use: {_users(own, self._source)}'
        elif code in _MEANINGS:
            reason, hint = _MEANINGS[code]
        elif reason is Reason.ENV_FAILED:
            reason, hint = Reason.DATABASE_NOT_FOUND, _COLLATION if "collation version" in told else _OTHER
        message = f'cannot create database "{self.address.database}": {told}'
        return Verdict(reason, replace(found.failure, message=message, hint=hint))


def before_all(invocation: Invocation, connections: Connections) -> None:
    """Make the database in which tenants are looked for, or of whose server they are.

    Raises:
        Ending: why it cannot be made.
    """
    creation = Creation.of(invocation, connections)
    origin = direct.origin(creation.address, connections.session.own())
    if origin is None:
        raise Ending(Reason.DATABASE_NOT_FOUND, f'database "{creation.address.database}" does not exist', _BY_HAND)
    creation.reach(origin).close()


def _users(own: OwnConnection, database: str) -> str:
    """Return who is in the way there, as the end of a sentence."""
    there = literal(database)
    rows = own.rows(
        "SELECT pid, application_name, usename::text, coalesce(state, backend_type), NULL, NULL,"
        " CASE WHEN state LIKE 'idle%' THEN extract(epoch FROM pg_catalog.clock_timestamp() - state_change)::float8 END"
        f" FROM pg_catalog.pg_stat_activity WHERE datname = {there} AND pid <> pg_catalog.pg_backend_pid()"
        " UNION ALL SELECT 0, NULL, NULL, NULL, NULL, NULL, NULL"
        f" FROM pg_catalog.pg_prepared_xacts WHERE database = {there} ORDER BY 1"
    )
    blockers = tuple(activity.blocker(row) for row in rows)
    return activity.Activity("", 0.0, "", blockers).blocked_by or "by a session that has just gone"


def _unnamed(message: str, hint: str) -> Ending:
    return Ending(Reason.CONFIG_INVALID, message, hint)
