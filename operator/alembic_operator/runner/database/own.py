"""Connections of the runner's own, made with the driver and the arguments that env.py uses."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass, field
from typing import Any, Callable

from sqlalchemy.util.concurrency import greenlet_spawn

from alembic_operator.runner.database.network import keep_alive

_ASYNC_SECONDS = 60.0

Call = Callable[..., Any]


def _directly(function: Call, *arguments: Any) -> Any:
    return function(*arguments)


class LoopThread:
    """An event loop in a thread of its own: an own connection must outlive env.py's asyncio.run()."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning = threading.Lock()

    def call(self, function: Call, *arguments: Any) -> Any:
        """Run a function of an asynchronous dialect there and wait for what it returns."""
        with self._beginning:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="own connections", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(greenlet_spawn(function, *arguments), self._loop)
        try:
            return future.result(_ASYNC_SECONDS)
        except BaseException:
            future.cancel()
            raise


_LOOP = LoopThread()


@dataclass(frozen=True)
class Origin:
    """How one connection to a database is made."""

    dialect: Any
    connect: Callable[[], Any] = field(repr=False)
    """Makes a DBAPI connection; an asynchronous dialect's must run in a greenlet."""
    place: str = ""
    """host:port/database, for messages."""
    setup: str = ""
    """The statement that begins every own connection."""

    @property
    def driver(self) -> str:
        """Return the driver's name, such as psycopg2."""
        return str(self.dialect.driver)

    def open(self) -> OwnConnection:
        """Connect in autocommit; raises what the driver raises."""
        call = _LOOP.call if self.dialect.is_async else _directly
        connection = OwnConnection(call(self._open), call)
        if self.setup:
            connection.rows(self.setup)
        return connection

    def _open(self) -> Any:
        raw = self.connect()
        keep_alive(raw)
        self.dialect.set_isolation_level(raw, "AUTOCOMMIT")
        return raw

    @staticmethod
    def from_arguments(dialect: Any, cargs: Any, cparams: dict[str, Any], described: tuple[str, str]) -> Origin:
        """Connect as an engine does: with every do_connect listener, for one of them may fetch a fresh token."""

        def connect() -> Any:
            arguments, parameters = list(cargs), dict(cparams)
            for listener in dialect.dispatch.do_connect:
                raw = listener(dialect, None, arguments, parameters)
                if raw is not None:
                    return raw
            return dialect.connect(*arguments, **parameters)

        return Origin(dialect, connect, *described)


class OwnConnection:
    """One connection in autocommit, so that it never holds a snapshot that CREATE INDEX CONCURRENTLY would wait for."""

    def __init__(self, raw: Any, call: Call) -> None:
        self._raw = raw
        self._call = call

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement without parameters and return its rows."""
        rows: list[tuple[Any, ...]] = self._call(fetch, self._raw, sql)
        return rows

    def become(self, role: str) -> OwnConnection:
        """Take a role. Not at once: a role may neither see nor cancel the sessions of the user that logged in."""
        if role:
            self.rows(f"SET ROLE {quoted(role)}")
        return self

    def close(self) -> None:
        """Close it; what goes wrong then no longer matters."""
        try:
            self._call(self._raw.close)
        except Exception:  # noqa: BLE001  the drivers share no class of errors
            return


def fetch(raw: Any, sql: str) -> list[tuple[Any, ...]]:
    """Run one statement on a DBAPI connection and return its rows; without parameters, so that % means itself."""
    cursor = raw.cursor()
    try:
        cursor.execute(sql)
        return [tuple(row) for row in cursor.fetchall()] if cursor.description else []
    finally:
        cursor.close()


def quoted(identifier: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL text in quotes, whatever standard_conforming_strings says."""
    escaped = text.replace("'", "''")
    return f"E'{escaped}'".replace("\\", "\\\\") if "\\" in text else f"'{escaped}'"
