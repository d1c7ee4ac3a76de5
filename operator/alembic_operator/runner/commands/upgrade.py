"""Upwards: run the revisions that lead from the database heads to the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alembic_operator.runner.commands.run import Run
from alembic_operator.runner.project import scripts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Upgrade to the target."""
    return Run(invocation, connections, Upwards()).run()


class Upwards:
    """The direction of `alembic upgrade`."""

    def aim(self, script: Any, target: str, heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that a target names, seen from the database heads."""
        return scripts.targets(script, target, heads)

    def left(self, script: Any, aimed: tuple[str, ...], heads: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that are still to run."""
        return scripts.missing(script, aimed, heads)

    def steps(self, script: Any, target: str, aimed: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[Any]:
        """Yield Alembic's steps to the target, in their order; several targets one after the other."""
        seen: set[str] = set()
        for one in scripts.parts(target):
            destination: Any = aimed if scripts.is_relative(one) else one
            for step in script._upgrade_revs(destination, heads):  # noqa: SLF001  as `alembic upgrade` itself does
                if step.revision.revision not in seen:
                    seen.add(step.revision.revision)
                    yield step
