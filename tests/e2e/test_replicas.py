"""Two replicas of the operator on a real node: whichever is killed, the other one or its successor goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from demo.expectation import until
from tests.e2e.containers import kill
from tests.e2e.migration import PATIENCE
from tests.e2e.operation import FORCE
from tests.e2e.project import chain

if TYPE_CHECKING:
    from demo.access import Access
    from tests.e2e.conftest import Stage, Start
    from tests.e2e.operation import Operator


@pytest.fixture
def replicas(stage: Stage, operator: Operator) -> Access:
    """Run two of them; the fixture `operator` ends with one."""
    assert operator, "it is there for its end"
    stage.operator.kubectl("scale", "deployment", "--all", "--replicas=2")
    stage.operator.kubectl("rollout", "status", "deployment", "--timeout=120s")
    return stage.operator


def leader(replicas: Access) -> str:
    """Name the pod that acts: one that exists and holds the Lease."""

    def holder() -> str | None:
        name = str(replicas.get("lease", replicas.namespace)["spec"].get("holderIdentity", ""))
        pods = [one["metadata"] for one in replicas.get("pods")["items"]]
        return name if name in {pod["name"] for pod in pods if "deletionTimestamp" not in pod} else None

    return until(holder, PATIENCE, "nobody leads")


def test_a_migration_runs_once_whichever_replica_is_killed_or_replaced_in_its_middle(
    start: Start, stage: Stage, replicas: Access
) -> None:
    migration = start("two-replicas", chain("r1", "r2", "r3", held=("r1", "r2", "r3")))
    migration.until_begun("r1")
    stage.evidence.logs(replicas)
    kill(replicas, leader(replicas), "operator")
    migration.database.release("r1")
    migration.until_begun("r2")
    first = leader(replicas)
    stage.evidence.logs(replicas)
    replicas.kubectl("delete", "pod", first, *FORCE)
    assert leader(replicas) != first
    migration.database.release("r2")
    migration.until_begun("r3")
    second = leader(replicas)
    stage.evidence.logs(replicas)
    replicas.kubectl("rollout", "restart", "deployment")
    replicas.kubectl("rollout", "status", "deployment", "--timeout=120s")
    assert leader(replicas) != second
    migration.database.release("r3")
    migration.until_ready()
    assert migration.database.applied() == ["r1", "r2", "r3"]
    assert len(migration.jobs()) == len(migration.pods()) == len(migration.status()["history"]) == 1
