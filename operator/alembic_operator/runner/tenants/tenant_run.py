"""The run of one tenant: what only the fleet's own processes keep it from is no failed attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.commands.run import Run
from alembic_operator.runner.commands.towards import Towards
from alembic_operator.runner.commands.upwards import Upwards
from alembic_operator.runner.database.creation import Creation

if TYPE_CHECKING:
    from alembic_operator.contract import Invocation
    from alembic_operator.runner.database.connect import Connections
    from alembic_operator.runner.process.failures import Verdict
    from alembic_operator.runner.project.kept import Kept
    from alembic_operator.runner.tenants.row import TenantRow

_DEADLOCK = "40P01"


class TenantRun(Run):
    """An upgrade with one witness more."""

    kept: Kept | None = None
    """The revisions that this process has loaded for another tenant."""

    def __init__(
        self, invocation: Invocation, connections: Connections, row: TenantRow, slower: Callable[[str], None]
    ) -> None:
        """Begin; `slower` tells the fleet that its processes are in each other's way."""
        super().__init__(invocation, connections, move_of(invocation))
        if invocation.create_database == "IfMissing":
            connections.create = Creation.of(invocation, connections).reach
        self._witnesses.join(row)
        self._slower = slower
        name = connections.session.application_name if connections.is_of_fleet else ""
        self._fleet = name.rpartition(".")[0]

    def _scripts(self, config: Any, invocation: Invocation) -> Any:
        script = super()._scripts(config, invocation)
        if self.kept:
            self.kept.give(script)
        return script

    def _again(self, verdict: Verdict) -> bool:
        failure = verdict.failure
        own = bool(self._fleet) and verdict.reason is Reason.LOCK_TIMEOUT and f"{self._fleet}." in failure.message
        if own or failure.sqlstate == _DEADLOCK:
            self._slower(verdict.reason)
        return own or super()._again(verdict)


def move_of(invocation: Invocation) -> Upwards:
    """Return the direction that the command line allows."""
    return Towards(invocation.target) if invocation.downgrade == "Allow" else Upwards()
