"""Config.attributes as a program gives them to env.py: with a connection, for an env.py that takes one for granted."""

from __future__ import annotations

from typing import Any, Callable

_CONNECTION = "connection"


class NoConnectionError(KeyError):
    """env.py wants a connection, and there is no address to make one for."""

    def __str__(self) -> str:
        return 'env.py wants config.attributes["connection"]: give spec.database, and the runner makes it'


class Attributes(dict):  # type: ignore[type-arg]  # Python 3.9 on
    """What env.py finds in config.attributes.

    The connection is made for who subscribes it; who asks whether it is there, or takes it with get(), makes its own.
    """

    def __init__(self, connect: Callable[[], Any] | None) -> None:
        super().__init__()
        self._connect = connect
        self._made: list[Any] = []

    def __missing__(self, key: Any) -> Any:
        if key != _CONNECTION:
            raise KeyError(key)
        if self._connect is None:
            raise NoConnectionError(key)
        if not self._made:
            self._made.append(self._connect())
        return self._made[0]

    def close(self) -> None:
        """Close the connection, if it was made."""
        for connection in self._made:
            connection.close()
