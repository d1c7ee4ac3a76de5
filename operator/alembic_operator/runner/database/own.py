"""Connections of the runner's own, made with the driver and the arguments that env.py uses."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.runner.database import drivers
from alembic_operator.runner.database.network import keep_alive
from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator, Mapping

    from alembic_operator.runner.database.address import Address

_ASYNC_SECONDS = 60.0
_NOWHERE = ("password", "context")
"""What says nothing of where a connection leads; the second one has the types of psycopg, anew for each engine."""

Call = Callable[..., Any]


def _directly(function: Call, *arguments: Any, **_: Any) -> Any:
    return function(*arguments)


def _in_a_loop() -> bool:
    import asyncio  # noqa: PLC0415  what only asks a server does not need it

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


class LoopThread:
    """An event loop in a thread of its own: an own connection must outlive env.py's asyncio.run()."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._beginning = threads.Lock()

    def call(self, function: Call, *arguments: Any, seconds: float | None = _ASYNC_SECONDS) -> Any:
        """Run a function of an asynchronous dialect there and wait for what it returns."""
        import asyncio  # noqa: PLC0415  what only asks a server needs neither this nor SQLAlchemy

        from sqlalchemy.util.concurrency import greenlet_spawn  # noqa: PLC0415

        with self._beginning:
            if self._loop is None:
                selector = threads.unpatched("select", "selectors").DefaultSelector()
                self._loop = asyncio.SelectorEventLoop(selector)
                threads.Thread(target=self._loop.run_forever, name="own connections", daemon=True).start()
        future = asyncio.run_coroutine_threadsafe(greenlet_spawn(function, *arguments), self._loop)
        done = threads.Event()  # the future's own one may be patched
        future.add_done_callback(lambda _: done.set())
        try:
            done.wait(seconds)
            return future.result(0)
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
    """The query, without WHERE, that sets up every own connection; not that of a pooler, which others may share."""
    arguments: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What the driver's connect() was called with."""
    way: object = None
    """Equal where two of them lead to the same database as the same user; None: nobody can tell."""

    @property
    def may_end(self) -> bool:
        """Whether it may lead nowhere when env.py is over: it is made by env.py's own function, or through a tunnel."""
        return not self.place or self.place.startswith(("localhost:", "127.", "::1:"))

    def leads_as(self, other: Origin) -> bool:
        """Tell whether another one leads to the same database as the same user."""
        return self is other or (self.way is not None and self.way == other.way)

    @property
    def driver(self) -> str:
        """Return the driver's name, such as psycopg2."""
        return drivers.of(self.dialect)

    def open(self) -> OwnConnection:
        """Connect in autocommit; raises what the driver raises."""
        call: Call = _LOOP.call if self.dialect.is_async else _directly
        try:
            raw = call(self._open)
        except Exception:
            if not (self.dialect.is_async and not self.place and _in_a_loop()):
                raise
            call = _directly  # env.py's own function may know only env.py's loop; there it serves until that ends
            raw = call(self._open)
        connection = OwnConnection(raw, call)
        if self.setup:
            connection.rows(f"{self.setup}{connection.unless_pooled}")
        return connection

    def _open(self) -> Any:
        raw = self.connect()
        keep_alive(raw)
        self.dialect.set_isolation_level(raw, "AUTOCOMMIT")
        return raw

    def turned(self, address: Address) -> Origin:
        """Return how the same connection is made to where an address, which may name only a database, says."""
        arguments = dict(self.arguments)
        address.apply(self.driver, arguments)
        way = (self.way, address.database)
        return Origin(self.dialect, lambda: self.dialect.connect(**arguments), self.place, self.setup, arguments, way)

    @staticmethod
    def from_arguments(dialect: Any, cargs: Any, cparams: dict[str, Any], described: tuple[str, str]) -> Origin:
        """Connect as an engine does: with every do_connect listener, for one of them may fetch a fresh token."""
        tried: dict[str, Any] = {}
        told = tuple(sorted((name, str(value)) for name, value in cparams.items() if name not in _NOWHERE))
        way = (*map(str, cargs), *told)

        def connect() -> Any:
            arguments, parameters = list(cargs), dict(cparams)
            try:
                for listener in dialect.dispatch.do_connect:
                    raw = listener(dialect, None, arguments, parameters)
                    if raw is not None:
                        return raw
                return dialect.connect(*arguments, **parameters)
            finally:
                tried.update(parameters)

        return Origin(dialect, connect, *described, arguments=tried, way=way)


class OwnConnection:
    """One connection in autocommit, so that it never holds a snapshot that CREATE INDEX CONCURRENTLY would wait for."""

    def __init__(self, raw: Any, call: Call) -> None:
        self._raw = raw
        self._call = call
        self._pooled: bool | None = None
        self._is_primary = False

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement without parameters and return its rows."""
        rows: list[tuple[Any, ...]] = self._call(fetch, self._raw, sql)
        return rows

    def patiently(self, sql: str) -> None:
        """Run one statement, however long it takes."""
        self._call(fetch, self._raw, sql, seconds=None)

    def answers(self) -> bool:
        """Tell whether it is still of use."""
        try:
            self.rows("SELECT 1")
        except Exception:  # noqa: BLE001  whatever it is: the connection cannot be relied on
            return False
        return True

    @property
    def unless_pooled(self) -> str:
        """Return the end of a query that does nothing behind a pooler."""
        told = client_backend(self._raw)
        return "" if told is None else f" WHERE pg_catalog.pg_backend_pid() = {told}"

    def is_pooled(self) -> bool:
        """Tell whether a pooler answered in the server's place when this connection was made."""
        if self._pooled is None:
            self._pooled = not self.rows(f"SELECT 1{self.unless_pooled}")
        return self._pooled

    def is_standby(self) -> bool:
        """Tell whether the server is in recovery; one that is not does not come to be without a restart."""
        self._is_primary = self._is_primary or not self.rows("SELECT pg_catalog.pg_is_in_recovery()")[0][0]
        return not self._is_primary

    def become(self, role: str) -> OwnConnection:
        """Take a role. Not at once: a role may neither see nor cancel the sessions of the user that logged in."""
        if role:
            self.rows(f"SET ROLE {quoted(role)}")
        return self

    @contextmanager
    def as_login(self) -> Iterator[None]:
        """Be the user that logged in, whose sessions a role that it takes by default may neither see nor end."""
        self.rows("SET ROLE NONE")
        try:
            yield
        finally:
            self.rows("RESET ROLE")

    @contextmanager
    def role(self, role: str) -> Iterator[None]:
        """Take a role for one transaction: behind a pooler, a session's next statement may be somebody else's."""
        if not role:
            yield
            return
        self.rows("BEGIN READ ONLY")
        try:
            self.rows(f"SET LOCAL ROLE {quoted(role)}")
            yield
        finally:
            self.rows("ROLLBACK")

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


def client_backend(raw: Any) -> int | None:
    """Return the process id of the backend that the driver was told; None when it cannot say.

    It differs from pg_backend_pid() when a pooler answers in the server's place.
    """
    driver = getattr(raw, "driver_connection", None) or getattr(raw, "_connection", None) or raw
    if hasattr(driver, "get_server_pid"):
        return int(driver.get_server_pid())
    if told := getattr(driver, "_backend_key_data", None):  # pg8000 keeps what the server sent
        return int.from_bytes(told[:4], "big")
    backend = getattr(getattr(driver, "info", None), "backend_pid", None)
    return int(backend) if backend else None


def quoted(identifier: str) -> str:
    """Return an SQL identifier in quotes."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return an SQL text in quotes, whatever standard_conforming_strings says."""
    escaped = text.replace("'", "''")
    return f"E'{escaped}'".replace("\\", "\\\\") if "\\" in text else f"'{escaped}'"
