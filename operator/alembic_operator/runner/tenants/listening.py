"""What the runs of one process listen with at SQLAlchemy's classes: each only for as long as it lasts."""

from __future__ import annotations

from typing import Any, Callable

from sqlalchemy import event

_OURS = "alembic_operator."


class Listening:
    """At each station SQLAlchemy knows one function, which stays: to come and go there costs more than a revision."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._heard: dict[tuple[Any, str], list[Callable[..., Any]]] = {}

    def __enter__(self) -> None:
        """Let what the runner's own begin to listen with be of this run."""
        self._original = event.listen
        event.listen = self._listen

    def _listen(self, target: Any, name: str, hear: Callable[..., Any], *more: Any, **named: Any) -> None:
        if not (getattr(hear, "__module__", "") or "").startswith(_OURS):
            self._original(target, name, hear, *more, **named)
            return
        if (target, name) not in self._heard:
            self._heard[target, name] = []
            self._original(target, name, _teller(self._heard[target, name]))
        self._heard[target, name].append(hear)

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        event.listen = self._original
        for heard in self._heard.values():
            heard.clear()


def _teller(heard: list[Callable[..., Any]]) -> Callable[..., None]:
    def tell(*told: Any) -> None:
        for one in tuple(heard):
            one(*told)

    return tell
