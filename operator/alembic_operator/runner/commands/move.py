"""What upgrade, downgrade and stamp each say for themselves of the run that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable


class Move(Protocol):
    """A direction."""

    def runs(self, target: str) -> list[str]:
        """Return the targets for each of which env.py runs once, in their order."""

    def aim(self, script: Any, target: str, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return what the run aims at: the revisions that a target names, or the heads that shall remain.

        Raises:
            Ending: UnknownTarget, or why these heads cannot be moved from.
        """

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that are still to run."""

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterable[Any]:
        """Return Alembic's steps to the target, in their order."""
