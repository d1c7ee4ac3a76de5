"""Tell transactions that somebody began on purpose from those that SQLAlchemy begins with the first statement."""

from __future__ import annotations

import sys
from typing import Any

from sqlalchemy.engine import Connection


class Begun:
    """The transactions for which somebody called begin()."""

    def __init__(self) -> None:
        self._those: dict[int, Any] = {}

    def install(self) -> None:
        """Remember each of them, for the rest of this process."""
        those = self._those
        for kind in _connection_classes():
            for name in ("begin", "begin_twophase"):
                original = getattr(kind, name)

                def begin(self: Any, *args: Any, _original: Any = original, **kw: Any) -> Any:
                    transaction = _original(self, *args, **kw)
                    if _caller_of_begin() != "_autobegin":
                        those[id(transaction)] = transaction
                    return transaction

                setattr(kind, name, begin)

    def has(self, transaction: Any) -> bool:
        """Tell whether somebody called begin(), rather than SQLAlchemy on the first statement."""
        return self._those.get(id(transaction)) is transaction

    def forget(self) -> None:
        """Forget them all: their connections are closed."""
        self._those.clear()


def _caller_of_begin() -> str:
    frame = sys._getframe(1)  # noqa: SLF001  SQLAlchemy calls its own begin() when a statement begins a transaction
    while frame.f_code.co_name == "begin" and frame.f_back:
        frame = frame.f_back
    return frame.f_code.co_name


def _connection_classes() -> list[Any]:
    kinds: list[Any] = [Connection]
    try:
        from sqlalchemy.future import Connection as Future  # noqa: PLC0415  1.4 has one more
    except ImportError:
        return kinds
    return kinds if Future is Connection else [*kinds, Future]
