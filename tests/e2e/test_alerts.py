"""A Prometheus in the cluster, which finds the operator by the PodMonitor's selector: an alert fires, and clears."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from demo.expectation import until
from devcluster import lock
from tests.e2e.conftest import LOCK
from tests.e2e.migration import PATIENCE
from tests.e2e.monitoring import Monitoring
from tests.e2e.project import chain, revision, step
from tests.prometheus import PROGRAM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Stage, Start
    from tests.prometheus import Prometheus

pytestmark = pytest.mark.skipif(not shutil.which(PROGRAM), reason="prometheus is Debian's package prometheus")

STALLED = "AlembicMigrationStalled"


@pytest.fixture
def prometheus(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    monitoring = Monitoring(stage.access, stage.operator)
    with lock.held(LOCK):
        monitoring.build(tmp_path_factory.mktemp("prometheus"))
    yield monitoring.start(patient=False)  # tests/unit/chart has the lives of the alerts, minute by minute
    monitoring.stop()


def test_an_alert_fires_for_a_migration_that_stalls_and_clears_when_it_is_mended(
    prometheus: Prometheus, start: Start
) -> None:
    until(lambda: _healths(prometheus) == ["up"] or None, PATIENCE, "Prometheus does not scrape the operator")
    migration = start("alerting", chain("r1") | revision("r2", "r1", step("r2"), "SELECT 1 / 0 AS nothing"))
    migration.until_stalled()

    def fires() -> dict[str, str] | None:
        return next((one for one in prometheus.firing(STALLED) if one["name"] == migration.name), None)

    told = until(fires, PATIENCE, "the alert does not fire")
    assert (told["namespace"], told["reason"]) == (migration.access.namespace, "RevisionFailed")
    start(migration.name, chain("r1", "r2"), where=migration.database)
    migration.retry()
    migration.until_ready()
    until(lambda: not fires() or None, PATIENCE, "the alert does not clear")


def _healths(prometheus: Prometheus) -> list[str]:
    return [one["health"] for one in prometheus.ask("targets")["activeTargets"]]
