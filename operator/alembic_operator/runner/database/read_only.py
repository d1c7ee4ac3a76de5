"""Looking changes nothing: what env.py writes is left out where it may be repeated, and else refused by the server."""

from __future__ import annotations

import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from sqlalchemy.engine import Engine

from alembic_operator.runner.database import locks, versions
from alembic_operator.runner.process.failures import sqlstate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.database.own import OwnConnection

_AGAIN = re.compile(r"\s*CREATE\s+(?:[A-Z]+\s+){1,3}IF\s+NOT\s+EXISTS\b[^;]*;?\s*", re.IGNORECASE)
_LOCKS = re.compile(r"\s*LOCK\s+[^;]*;?\s*", re.IGNORECASE)
"""Against other migrations; who only looks needs none, and would wait for itself, or let others wait."""
_SETS = re.compile(r"\s*(?:SET|BEGIN|START|SELECT)\b", re.IGNORECASE)
_TO_WRITE = re.compile(
    r"(?P<transaction>\bREAD\s+)WRITE\b"
    r"|(?P<setting>\b(?:default_)?transaction_read_only\s*(?:=|\bTO\b|'\s*,)\s*)'?\w+'?",
    re.IGNORECASE,
)
"""What an env.py says that may be connected to a server whose sessions only read by default."""
_DRIVERS_OWN = "postgresql_readonly"
_NOTHING = "UNLISTEN alembic_operator"
"""Does nothing, in a read-only transaction, too, and has no rows, as what it stands for has none."""
_REFUSED = "25006"
STOPPED = (
    "env.py, or the application that it loads, writes to the database besides the revisions; looking changes nothing,"
    " so that it was stopped there, and what it had configured until then counts"
)
UNDER_THE_LOCK = (
    "env.py, or the application that it loads, writes to the database before it configures anything, and only it knows"
    " which version table is its own: it was let write, under the lock of migrations. Move what it writes into a"
    " revision"
)


@dataclass
class ReadOnly:
    """Every connection of env.py's while one command looks."""

    connections: Connections
    told: list[str] = field(default_factory=list)
    """What somebody should know of it."""
    _left_out: list[str] = field(default_factory=list)
    _was_refused: bool = False

    def install(self) -> None:
        """Begin, before env.py connects."""
        self._set(read_only=True)
        event.listen(Engine, "before_cursor_execute", self._before, retval=True)
        event.listen(Engine, "begin", self._begun)
        for options in ("set_connection_execution_options", "set_engine_execution_options"):
            event.listen(Engine, options, _without_option)

    def begin(self) -> None:
        """Begin another run of env.py."""
        self._left_out.clear()
        self._was_refused = False

    @property
    def wrote(self) -> bool:
        """Whether something was left out, or refused, that env.py wanted to write."""
        return bool(self._left_out) or self._was_refused

    def stopped(self, error: BaseException) -> bool:
        """Tell whether env.py failed because it could not write."""
        self._was_refused = sqlstate(error) == _REFUSED
        return self.wrote

    def tell(self, what: str) -> None:
        """Say it once."""
        if what not in self.told:
            self.told.append(what)
            self.connections.around.journal.warning("env.py writes", message=what)

    @contextmanager
    def lifted(self, own: OwnConnection, table: versions.VersionTable) -> Iterator[None]:
        """Let env.py write, whose version table nobody else knows; one at a time, and beside no migration.

        The connection holds the lock meanwhile, and is closed.
        """
        around, name = self.connections.around, self.connections.session.application_name
        lock = locks.acquire(own, table, locks.Waiting(around.stop, around.journal, name))
        self._set(read_only=False)
        try:
            yield
        finally:
            self._set(read_only=True)
            with suppress(Exception):  # the connection may be lost, and the lock with it; a pooler may keep the session
                lock.give(versions.LOCK_CLASS_A)
            own.close()
        self.tell(UNDER_THE_LOCK)

    def _set(self, *, read_only: bool) -> None:
        self.connections.session = replace(self.connections.session, read_only=read_only)

    def _before(self, connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> tuple[str, Any]:
        known = self.connections.session.read_only and connection.dialect.name == "postgresql"
        if not known:
            return statement, parameters
        if _LOCKS.fullmatch(statement):
            return _NOTHING, parameters
        if not _AGAIN.fullmatch(statement):
            return _reading(statement), parameters
        self._left_out.append(statement)
        return _NOTHING, parameters

    def _begun(self, connection: Any) -> None:
        """Say it to each transaction where sessions are shared, and nothing may be set in them."""
        if self.connections.shared and self.connections.session.read_only and connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET TRANSACTION READ ONLY")


def _reading(statement: str) -> str:
    """Return a statement that lets a session or a transaction write as one that does not; any other as it is."""
    if not _SETS.match(statement):
        return statement
    return _TO_WRITE.sub(
        lambda found: f"{found['transaction']}ONLY" if found["transaction"] else f"{found['setting']}'on'", statement
    )


def _without_option(_: Any, options: dict[str, Any]) -> None:
    """Let no driver say to the server by itself that transactions write."""
    options.pop(_DRIVERS_OWN, None)


def other_than(own: OwnConnection, said: versions.VersionTable) -> versions.VersionTable | None:
    """Return a version table, whatever its name, of a database that lacks the one that env.py's text names."""
    rows = own.rows(
        "SELECT n.nspname::text, c.relname::text FROM pg_catalog.pg_attribute a"
        " JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
        " WHERE a.attname = 'version_num' AND a.attnum = 1 AND c.relkind IN ('r', 'p') ORDER BY 1, 2"
    )
    found = [versions.VersionTable(schema, name) for schema, name in rows]
    return found[0] if found and said not in found else None
