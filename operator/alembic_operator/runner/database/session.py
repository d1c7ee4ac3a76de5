"""What every migration connection is set up with, before env.py can use it."""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from alembic_operator.contract import Invocation, seconds
from alembic_operator.runner.database.own import fetch, literal, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

_NAME_BYTES = 63
_OWN = "/own"
_CONNECT_SECONDS = 10
_LIBPQ_DEFAULTS = {
    "connect_timeout": _CONNECT_SECONDS,
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_KEEPALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 25_000}
_SERVER_SIDE = {
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "client_connection_check_interval": "1000",
}
"""The server then notices within seconds that the pod is gone, and frees its locks; older servers lack some of them."""


@dataclass(frozen=True)
class Session:
    """The settings of a run's migration connections."""

    application_name: str
    lock_timeout_ms: int
    statement_timeout_ms: int
    schema: str
    role: str

    @staticmethod
    def of(invocation: Invocation) -> Session:
        """Return what the command line asks for; the name is unique to this process."""
        host = os.environ.get("HOSTNAME") or socket.gethostname()
        unique = f"/{secrets.token_hex(3)}"
        name = f"alembic-operator/{host}"[: _NAME_BYTES - len(unique) - len(_OWN)] + unique
        lock_timeout, statement_timeout = (
            round(seconds(one) * 1000) for one in (invocation.lock_timeout, invocation.statement_timeout)
        )
        return Session(name, lock_timeout, statement_timeout, invocation.schema, invocation.role)

    def statements(self) -> list[str]:
        """Return what sets a session up."""
        settings = {
            **_SERVER_SIDE,
            "application_name": self.application_name,
            "lock_timeout": str(self.lock_timeout_ms),
            "statement_timeout": str(self.statement_timeout_ms),
        }
        if self.schema:
            settings["search_path"] = self.search_path
        return [_set(settings), *([f"SET ROLE {quoted(self.role)}"] if self.role else [])]

    def own(self) -> str:
        """Return what names a connection of the runner's own; the name differs, for only migrations are cancelled."""
        return _set({"application_name": f"{self.application_name}{_OWN}"})

    @property
    def search_path(self) -> str:
        """Return the schema, then public, where extensions usually are."""
        return ", ".join(dict.fromkeys((quoted(self.schema), "public")))

    @contextmanager
    def no_timeouts(self, raw: Any) -> Iterator[None]:
        """Wait as long as it takes: a lock_timeout in CREATE INDEX CONCURRENTLY leaves an invalid index."""
        fetch(raw, _set({"lock_timeout": "0", "statement_timeout": "0"}))
        try:
            yield
        finally:
            with suppress(Exception):  # the connection may be broken; the error that broke it is the one to tell
                fetch(
                    raw,
                    _set(
                        {
                            "lock_timeout": str(self.lock_timeout_ms),
                            "statement_timeout": str(self.statement_timeout_ms),
                        }
                    ),
                )


def _set(settings: dict[str, str]) -> str:
    values = ", ".join(f"({literal(name)}, {literal(value)})" for name, value in settings.items())
    return (
        f"SELECT pg_catalog.set_config(s.name, w.value, false) FROM (VALUES {values}) AS w(name, value)"
        " JOIN pg_catalog.pg_settings s ON s.name = w.name"
    )


def client_side(driver: str, cparams: MutableMapping[str, Any]) -> None:
    """Bound the time of connecting, and notice a dead network; what env.py set itself stays."""
    if driver == "asyncpg":
        cparams.setdefault("timeout", _CONNECT_SECONDS)
    elif driver in ("psycopg", "psycopg_async", "psycopg2"):
        for name, value in _LIBPQ_DEFAULTS.items():
            cparams.setdefault(name, value)


def keep_alive(raw: Any) -> None:
    """Switch on keepalive for asyncpg, which has no argument for it."""
    transport = getattr(getattr(raw, "_connection", None), "_transport", None)
    sock = transport.get_extra_info("socket") if transport else None
    if sock is None or sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def client_backend(raw: Any) -> int | None:
    """Return the process id of the backend that the driver was told; None when it cannot say.

    It differs from pg_backend_pid() when a pooler answers in the server's place.
    """
    driver = getattr(raw, "driver_connection", None) or getattr(raw, "_connection", None) or raw
    if hasattr(driver, "get_server_pid"):
        return int(driver.get_server_pid())
    backend = getattr(getattr(driver, "info", None), "backend_pid", None)
    return int(backend) if backend else None
