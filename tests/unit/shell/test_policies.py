"""Whether the gate's policies are there: what comes, goes, or may not be read."""

import asyncio
from typing import Any

from alembic_operator.kube.cluster import GATE_POLICIES, Resource
from alembic_operator.kube.errors import ApiError
from alembic_operator.shell.metrics.tally import Tally
from alembic_operator.shell.policies import GatePolicies


class Server:
    """Has some of the four objects, or lets nobody look."""

    def __init__(self) -> None:
        self.there: set[Resource] = {one for parts in GATE_POLICIES.values() for one in parts}
        self.forbidden = False

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> dict[str, Any] | None:
        assert (namespace, name) == ("", "gate")
        if self.forbidden:
            raise ApiError(403, "Forbidden", "get is forbidden")
        return {} if resource in self.there else None


def test_a_policy_without_its_binding_is_none_and_what_may_not_be_read_is_not_told() -> None:
    server, tally = Server(), Tally()
    policies = GatePolicies(server, "gate", tally)  # type: ignore[arg-type]

    def looked() -> dict[str, bool]:
        asyncio.run(policies.look())
        return dict(tally.gate_policies)

    assert looked() == {"injection": True, "validation": True}
    server.there.remove(GATE_POLICIES["injection"][1])
    assert looked() == {"injection": False, "validation": True}
    server.there.clear()
    assert looked() == {"injection": False, "validation": False}
    server.forbidden = True
    assert looked() == {}
