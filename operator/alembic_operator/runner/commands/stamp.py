"""Write the target into the version table without running a script: the baseline of a database that exists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.run import Run
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import scripts, ways

if TYPE_CHECKING:
    from collections.abc import Iterable

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Stamp the target."""
    if scripts.is_relative(invocation.target) or invocation.target.startswith("-"):
        message = f"target {invocation.target}: stamp needs a revision, not a number of steps"
        raise Ending(Reason.UNKNOWN_TARGET, message, "Name the revision that the schema is at.")
    return Run(invocation, connections, Stamp()).run()


class Stamp:
    """The direction of `alembic stamp`; its aim are the rows that the version table will have."""

    def runs(self, target: str) -> list[str]:
        """Return the target itself."""
        return [target]

    def aim(self, script: Any, target: str, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the heads that the version table will hold: the target's, and those of other branches."""
        ways.require_known(script, heads, "stamp")
        return ways.stamped(script, target, heads)[1]

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the rows that are still to be written or deleted."""
        del script
        return tuple(sorted(set(aimed) ^ set(heads)))

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterable[Any]:
        """Return Alembic's steps, which run nothing."""
        del aimed
        return ways.stamped(script, target, heads)[0]
