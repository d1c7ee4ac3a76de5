"""How both ends of a connection notice, within 15 seconds, that the other one is gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SECONDS = 10
"""How long connecting may take."""
_IDLE, _INTERVAL, _COUNT = 5, 2, 2
_UNACKNOWLEDGED_MS = 9_000
"""Keepalive sees a silent connection, the user timeout one with data on its way; neither sees what the other does."""

_LIBPQ = {
    "connect_timeout": SECONDS,
    "keepalives": 1,
    "keepalives_idle": _IDLE,
    "keepalives_interval": _INTERVAL,
    "keepalives_count": _COUNT,
    "tcp_user_timeout": _UNACKNOWLEDGED_MS,
}
_SOCKET = {
    "TCP_KEEPIDLE": _IDLE,
    "TCP_KEEPINTVL": _INTERVAL,
    "TCP_KEEPCNT": _COUNT,
    "TCP_USER_TIMEOUT": _UNACKNOWLEDGED_MS,
}
SERVER = {
    "tcp_keepalives_idle": _IDLE,
    "tcp_keepalives_interval": _INTERVAL,
    "tcp_keepalives_count": _COUNT,
    "tcp_user_timeout": _UNACKNOWLEDGED_MS,
    "client_connection_check_interval": 1_000,
}
"""The server's settings for a session; a running statement ends only with the last one. Older servers lack some."""


def client_side(driver: str, cparams: MutableMapping[str, Any]) -> None:
    """Bound the time of connecting, and notice a dead network; what env.py set itself stays."""
    if driver in ("asyncpg", "pg8000"):
        cparams.setdefault("timeout", SECONDS)
    elif driver in ("psycopg", "psycopg_async", "psycopg2"):
        for name, value in _LIBPQ.items():
            cparams.setdefault(name, value)


def keep_alive(raw: Any) -> None:
    """Switch on keepalive for asyncpg and pg8000, which have no argument for it."""
    transport = getattr(getattr(raw, "_connection", None), "_transport", None)
    sock = transport.get_extra_info("socket") if transport else getattr(raw, "_usock", None)
    if sock is None:
        return
    if transport is None and sock.gettimeout() == SECONDS:
        sock.settimeout(None)  # pg8000 would give each statement only the time of connecting
    tune(sock)


def tune(sock: socket.socket) -> None:
    """Let a socket notice a dead network."""
    if sock.family == socket.AF_UNIX:
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _SOCKET.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
