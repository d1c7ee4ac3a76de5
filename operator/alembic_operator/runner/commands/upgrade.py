"""Upgrade: up to the target, and make its database where that is allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.commands.run import Run
from alembic_operator.runner.commands.upwards import Upwards

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation, Result
    from alembic_operator.runner.database.connect import Connections


def command(invocation: Invocation, connections: Connections) -> Result:
    """Upgrade to the target; down to it only where the command line allows that."""
    move = Upwards()
    if invocation.downgrade == "Allow":
        from alembic_operator.runner.commands.towards import Towards  # noqa: PLC0415  few allow it

        move = Towards(invocation.target)
    if invocation.create_database == "IfMissing":
        from alembic_operator.runner.database.creation import Creation  # noqa: PLC0415  few may make one

        connections.create = Creation.of(invocation, connections).reach
    return Run(invocation, connections, move).run()
