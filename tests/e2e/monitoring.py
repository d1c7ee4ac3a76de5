"""A Prometheus in the cluster, which finds an operator by the selector of its release's PodMonitor."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from demo import setup
from demo.screen import Screen
from devcluster.recipe import Recipe
from tests.prometheus import PROGRAM, Prometheus, configuration, found_by_the_cluster, scrape_config

if TYPE_CHECKING:
    from pathlib import Path

    from demo.access import Access
    from tests.e2e.migration import Manifest

FILES = setup.PROJECT / "tests" / "e2e" / "prometheus"
RULES = "rules.yaml"
MONITORED = (
    "--set=metrics.podMonitor.enabled=true",
    "--set=metrics.podMonitor.interval=1s",
    "--set=metrics.rules.enabled=true",
    "--set=metrics.rules.runbooks=https://wiki.example/alerts",
)


@dataclass(frozen=True)
class Monitoring:
    """Where Prometheus runs, and the same cluster in the namespace of the operator."""

    access: Access
    operator: Access

    def build(self, context: Path) -> None:
        """Bring an image with the Prometheus of this machine."""
        shutil.copy(shutil.which(PROGRAM) or PROGRAM, context)
        setup.build(Screen(colours=False), Recipe(FILES / "Dockerfile", "localhost/prometheus:e2e", context))

    def start(self, *, patient: bool = True) -> Prometheus:
        """Start it, and return it when it is ready; an alert of an impatient one waits for nothing."""
        installed = self._rendered()
        (monitor,) = (one for one in installed if one["kind"] == "PodMonitor")
        (rule,) = (one for one in installed if one["kind"] == "PrometheusRule")
        for one in () if patient else rule["spec"]["groups"][0]["rules"]:
            one.pop("for", None)
        service, discovery = found_by_the_cluster(monitor)
        config = configuration(f"/etc/prometheus/{RULES}", scrape_config(monitor, discovery))
        files = {"prometheus.yaml": yaml.safe_dump(config), RULES: yaml.safe_dump(rule["spec"])}
        made = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prometheus"}, "data": files}
        self.operator.apply_text(json.dumps(service))
        for text in (json.dumps(made), (FILES / "prometheus.yaml").read_text()):
            self.access.apply_text(text)
        self.access.kubectl("wait", "pod", "prometheus", "--for=condition=Ready", "--timeout=120s")
        return Prometheus(self._get)

    def stop(self) -> None:
        """End it."""
        self.access.kubectl("delete", "pod", "prometheus", "--wait=false")

    def _get(self, path: str) -> str:
        """Ask it through the API server."""
        pod = f"/api/v1/namespaces/{self.access.namespace}/pods/prometheus:9090"
        return self.access.kubectl("get", "--raw", f"{pod}/proxy{path}")

    def _rendered(self) -> list[Manifest]:
        """Return what the operator's release has with a PodMonitor, whose definition the cluster does not have."""
        name = self.operator.namespace
        chart = str(setup.PROJECT / "charts" / "alembic-operator")
        text = self.access.helm("template", name, chart, f"--namespace={name}", *MONITORED)
        return [one for one in yaml.safe_load_all(text) if one]
