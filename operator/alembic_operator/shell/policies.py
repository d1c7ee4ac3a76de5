"""Look now and then whether the gate's admission policies are there: without both, pods start ungated."""

import asyncio
from dataclasses import dataclass

import structlog

from alembic_operator.kube.cluster import GATE_POLICIES, Cluster, Resource
from alembic_operator.kube.errors import ApiError
from alembic_operator.shell.metrics.tally import Tally

log = structlog.get_logger()

_PERIOD = 60.0


@dataclass(frozen=True)
class GatePolicies:
    """The policies of one release, all of one name."""

    cluster: Cluster
    name: str
    tally: Tally

    async def run(self) -> None:
        """Look for ever."""
        while True:
            await self.look()
            await asyncio.sleep(_PERIOD)

    async def look(self) -> None:
        """Note which policies are there with their binding; nothing of what may not be read."""
        for kind, parts in GATE_POLICIES.items():
            try:
                there = all([await self._is_there(one) for one in parts])
            except (ApiError, OSError) as error:
                self.tally.gate_policies.pop(kind, None)
                log.debug("cannot be read", what=f"the policy of the gate's {kind}", error=str(error))
                continue
            if not there and self.tally.gate_policies.get(kind):
                log.warning("a policy of the gate is gone", kind=kind, name=self.name)
            self.tally.gate_policies[kind] = there

    async def _is_there(self, resource: Resource) -> bool:
        return await self.cluster.get_metadata(resource, "", self.name) is not None
