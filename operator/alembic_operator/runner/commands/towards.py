"""Upwards, or down to a target that the database is beyond, where the command line allows that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.runner.commands.upwards import Upwards
from alembic_operator.runner.project import ways

if TYPE_CHECKING:
    from collections.abc import Iterator


class Towards(Upwards):
    """Up, or down when the target is one revision and the database is beyond it."""

    def __init__(self, target: str) -> None:
        """Begin; a name that stands for other revisions (heads, a label) never leads down."""
        self._target = target

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that are still to run, or else those that are still to be undone."""
        return super().left(script, aimed, heads) or self._beyond(script, aimed, heads)

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[Any]:
        """Return Alembic's steps to the target, in their order."""
        if super().left(script, aimed, heads):
            return super().steps(script, target, aimed, heads)
        return ways.down(script, self._beyond(script, aimed, heads), heads)

    def _beyond(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        named = self._target not in ("head", "heads") and len(aimed) == 1 and aimed[0].startswith(self._target)
        return ways.beyond(script, aimed[0], heads) if named else ()
