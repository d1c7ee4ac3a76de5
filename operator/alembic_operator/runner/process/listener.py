"""Answer whoever asks this pod how far it is, from memory: nobody who asks reaches the database or delays the run."""

from __future__ import annotations

import _socket
import os
from typing import TYPE_CHECKING, Callable

from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    from collections.abc import Iterable

_PATIENCE = 1.0
"""Seconds for one who asks: there is one at a time."""
_REQUEST = 4096
"""Bytes; no more is read, and of them only the first word."""
_WAITING = 4


def listen(ports: Iterable[int], answer: Callable[[], str]) -> int:
    """Answer GET from now on, in a thread that ends with the process; return the port, 0 where none is free.

    With `_socket`, which nobody patches: gevent's sockets would belong to a loop that this thread does not have.
    """
    for port in ports:
        for family, address in ((_socket.AF_INET6, "::"), (_socket.AF_INET, "0.0.0.0")):  # noqa: S104  the pod's own
            listening = _bound(family, address, port)
            if listening:
                os.register_at_fork(after_in_child=listening.close)  # a child would keep the port, and never answer
                threads.Thread(target=_serve, args=(listening, answer), name="listener", daemon=True).start()
                return port
    return 0


def _bound(family: int, address: str, port: int) -> _socket.socket | None:
    listening = None
    try:
        listening = _socket.socket(family, _socket.SOCK_STREAM)
        listening.setsockopt(_socket.SOL_SOCKET, _socket.SO_REUSEADDR, 1)
        if family == _socket.AF_INET6:
            listening.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 0)
        listening.bind((address, port))
        listening.listen(_WAITING)
    except OSError:  # taken, as on a node's own network, or a family that this machine does not have
        if listening:
            listening.close()
        return None
    return listening


def _serve(listening: _socket.socket, answer: Callable[[], str]) -> None:
    pause = threads.Event()
    while True:
        try:
            descriptor, _ = listening._accept()  # type: ignore[attr-defined]  # noqa: SLF001  as the socket module does
        except OSError:  # too many files are open, or who asked is gone already
            pause.wait(_PATIENCE)
            continue
        asking = _socket.socket(fileno=descriptor)
        try:
            asking.settimeout(_PATIENCE)
            asking.sendall(_response(asking.recv(_REQUEST), answer))
        except OSError:  # who asked is gone, or does not read
            pass
        finally:
            asking.close()


def _response(request: bytes, answer: Callable[[], str]) -> bytes:
    if not request.startswith(b"GET "):
        return b"HTTP/1.0 405 Method Not Allowed\r\nAllow: GET\r\nContent-Length: 0\r\n\r\n"
    body = answer().encode(errors="replace")
    head = f"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body
