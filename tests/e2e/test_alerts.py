"""A Prometheus in the cluster, which finds the operator by the PodMonitor's selector: an alert fires, and clears."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from demo import setup
from demo.expectation import until
from demo.screen import Screen
from devcluster import lock
from devcluster.recipe import Recipe
from tests.e2e.conftest import LOCK
from tests.e2e.migration import PATIENCE
from tests.e2e.project import chain, revision, step
from tests.prometheus import PROGRAM, configuration, found_by_the_cluster, scrape_config

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.access import Access
    from tests.e2e.conftest import Stage, Start
    from tests.e2e.migration import Manifest

pytestmark = pytest.mark.skipif(not shutil.which(PROGRAM), reason="prometheus is Debian's package prometheus")

FILES = Path(__file__).parent / "prometheus"
RULES = "rules.yaml"
STALLED = "AlembicMigrationStalled"
MONITORED = (
    "--set=metrics.podMonitor.enabled=true",
    "--set=metrics.podMonitor.interval=1s",
    "--set=metrics.rules.enabled=true",
    "--set=metrics.rules.runbooks=https://wiki.example/alerts",
)


@dataclass(frozen=True)
class InCluster:
    """The Prometheus of the cluster, asked through the API server."""

    access: Access

    def ask(self, path: str) -> Any:
        """Return the data of an answer of its API."""
        raw = f"/api/v1/namespaces/{self.access.namespace}/pods/prometheus:9090/proxy/api/v1/{path}"
        return json.loads(self.access.kubectl("get", "--raw", raw))["data"]

    def firing(self) -> dict[str, list[dict[str, str]]]:
        """Return the labels of all that fires, by alert."""
        found: dict[str, list[dict[str, str]]] = {}
        for one in self.ask("alerts")["alerts"]:
            if one["state"] == "firing":
                found.setdefault(one["labels"]["alertname"], []).append(one["labels"])
        return found


@pytest.fixture(scope="module")
def prometheus(stage: Stage, tmp_path_factory: pytest.TempPathFactory) -> Iterator[InCluster]:
    installed = _rendered(stage)
    (monitor,), (rule,) = (
        [one for one in installed if one["kind"] == kind] for kind in ("PodMonitor", "PrometheusRule")
    )
    for one in rule["spec"]["groups"][0]["rules"]:
        one.pop("for", None)  # tests/unit/chart has the lives of the alerts, minute by minute
    service, discovery = found_by_the_cluster(monitor)
    config = configuration(f"/etc/prometheus/{RULES}", scrape_config(monitor, discovery))
    files = {"prometheus.yaml": yaml.safe_dump(config), RULES: yaml.safe_dump(rule["spec"])}
    _build(tmp_path_factory.mktemp("prometheus"))
    made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prometheus"}, "data": files}
    stage.operator.apply_text(json.dumps(service))
    for text in (json.dumps(made), (FILES / "prometheus.yaml").read_text()):
        stage.access.apply_text(text)
    stage.access.kubectl("wait", "pod", "prometheus", "--for=condition=Ready", f"--timeout={PATIENCE}s")
    yield InCluster(stage.access)
    stage.access.kubectl("delete", "pod", "prometheus", "--wait=false")


def _rendered(stage: Stage) -> list[Manifest]:
    """Return what the operator's release has with a PodMonitor, whose definition the cluster does not have."""
    name = stage.operator.namespace
    chart = str(setup.PROJECT / "charts" / "alembic-operator")
    text = stage.access.helm("template", name, chart, f"--namespace={name}", *MONITORED)
    return [one for one in yaml.safe_load_all(text) if one]


def _build(context: Path) -> None:
    shutil.copy(shutil.which(PROGRAM) or PROGRAM, context)
    with lock.held(LOCK):
        setup.build(Screen(colours=False), Recipe(FILES / "Dockerfile", "localhost/prometheus:e2e", context))


def test_an_alert_fires_for_a_migration_that_stalls_and_clears_when_it_is_mended(
    prometheus: InCluster, start: Start
) -> None:
    until(lambda: _targets(prometheus) == ["up"] or None, PATIENCE, "Prometheus does not scrape the operator")
    migration = start("alerting", chain("r1") | revision("r2", "r1", step("r2"), "SELECT 1 / 0 AS nothing"))
    migration.until_stalled()

    def fires() -> bool:
        return any(one["name"] == migration.name for one in prometheus.firing().get(STALLED, ()))

    until(lambda: fires() or None, PATIENCE, "the alert does not fire")
    (one,) = [one for one in prometheus.firing()[STALLED] if one["name"] == migration.name]
    assert (one["namespace"], one["reason"]) == (migration.access.namespace, "RevisionFailed")
    start(migration.name, chain("r1", "r2"), where=migration.database)
    migration.retry()
    migration.until_ready()
    until(lambda: not fires() or None, PATIENCE, "the alert does not clear")


def _targets(prometheus: InCluster) -> list[str]:
    return [one["health"] for one in prometheus.ask("targets")["activeTargets"]]
