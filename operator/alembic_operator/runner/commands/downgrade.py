"""Downwards: undo the revisions that come after the target, newest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.run import Run
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import scripts, state, ways

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Downgrade to the target.

    Raises:
        Ending: ConfigInvalid; nobody means to go down to the heads.
    """
    if invocation.target in ("head", "heads"):
        message = "downgrade needs a --target: a revision, base, -1, BRANCH@base or BRANCH@-1"
        raise Ending(Reason.CONFIG_INVALID, message, "Name how far down it shall go.")
    return Run(invocation, connections, Downwards()).run()


class Downwards:
    """The direction of `alembic downgrade`; its aim are the heads that remain."""

    def runs(self, target: str) -> list[str]:
        """Return the target itself."""
        return [target]

    def aim(self, script: Any, target: str, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the heads that remain when what comes after the target is undone."""
        ways.require_known(script, heads, "downgrade")
        undone = {one.revision for one in ways.undone(script, target, heads)}
        graph = scripts.graph(script)
        return state.tops(graph, state.contained(graph, heads) - undone)

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that are still to be undone."""
        return scripts.missing(script, heads, aimed)

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterable[Any]:
        """Return Alembic's steps; by the aim and not by the target: -1 would go further in each attempt."""
        del target
        return ways.down(script, self.left(script, aimed, heads), heads)
