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

    The connection is made for who subscribes it. Who takes it with get() mostly makes its own when there is none;
    one that fails instead is run once more, and is given it then.
    """

    def __init__(self, connect: Callable[[], Any] | None) -> None:
        super().__init__()
        self._connect = connect
        self._made: list[Any] = []
        self._refused = False

    def __missing__(self, key: Any) -> Any:
        if key != _CONNECTION:
            raise KeyError(key)
        if self._connect is None:
            raise NoConnectionError(key)
        if not self._made:
            self._made.append(self._connect())
        return self._made[0]

    def get(self, key: Any, default: Any = None) -> Any:
        """Return what was set, as a dict does; a connection only once it was made."""
        if key == _CONNECTION and key not in self and self._connect:
            self._refused = not self._made
            return self._made[0] if self._made else default
        return super().get(key, default)

    @property
    def refused(self) -> bool:
        """Whether a connection was asked for that could have been made, and was not."""
        return self._refused

    def give(self, env: Callable[[], None]) -> None:
        """Run env.py with the connection that it asked for."""
        self[_CONNECTION] = self[_CONNECTION]
        env()

    def close(self) -> None:
        """Close the connection, if it was made."""
        for connection in self._made:
            connection.close()
