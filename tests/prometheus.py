"""A real Prometheus, Debian's, that scrapes what the chart's PodMonitor selects and evaluates its PrometheusRule."""

import json
import math
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Manifest = dict[str, Any]
PROGRAM = "prometheus"
_CHOSEN = {"$namespace": ".*", "$name": ".*", "$__rate_interval": "10s", "$__range": "5m"}
"""What Grafana puts into a query, of a dashboard that shows everything of the last five minutes."""
_PATIENCE = 30.0


def scrape_config(monitor: Manifest, discovery: Manifest) -> Manifest:
    """Return what the Prometheus Operator makes of a PodMonitor, as far as this chart's goes.

    The Prometheus Operator is not here, and Debian's Prometheus cannot ask Kubernetes for pods: another way of finding
    them stands in for that.
    """
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    return {
        "job_name": f"podMonitor/{_name(monitor)}/0",
        "honor_labels": endpoint["honorLabels"],
        "scrape_interval": endpoint["interval"],
        "scrape_timeout": endpoint["interval"],
        **discovery,
    }


def found_here(monitor: Manifest, pods: Iterable[Manifest]) -> Manifest:
    """Match the selector with these pods, and give a target the labels that it has by the Prometheus Operator."""
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    selected = [one for one in pods if wanted <= one["metadata"]["labels"].items()]
    targets = [one for pod in selected for one in _targets(pod, endpoint["port"], _name(monitor))]
    return {"static_configs": targets}


def found_by_the_cluster(monitor: Manifest) -> tuple[Manifest, Manifest]:
    """Return a Service with the selector of a PodMonitor, and how to ask its DNS name for pods and their ports."""
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    metadata = {"name": f"{monitor['metadata']['name']}-monitored", "namespace": monitor["metadata"]["namespace"]}
    port = {"name": endpoint["port"], "port": 1, "targetPort": endpoint["port"]}
    spec = {"clusterIP": "None", "selector": monitor["spec"]["selector"]["matchLabels"], "ports": [port]}
    service = {"apiVersion": "v1", "kind": "Service", "metadata": metadata}
    name = f"_{endpoint['port']}._tcp.{metadata['name']}.{metadata['namespace']}.svc.cluster.local"
    asked = {"names": [name], "type": "SRV", "refresh_interval": "1s"}
    return service | {"spec": spec | {"publishNotReadyAddresses": True}}, {"dns_sd_configs": [asked]}


def _name(monitor: Manifest) -> str:
    return f"{monitor['metadata']['namespace']}/{monitor['metadata']['name']}"


def _targets(pod: Manifest, port: str, job: str) -> Iterator[Manifest]:
    for container in pod["spec"]["containers"]:
        for one in container["ports"]:
            if one["name"] == port:
                labels = {
                    "job": job,
                    "namespace": pod["metadata"]["namespace"],
                    "pod": pod["metadata"]["name"],
                    "container": container["name"],
                    "endpoint": port,
                }
                yield {"targets": [f"{pod['status']['podIP']}:{one['containerPort']}"], "labels": labels}


def configuration(rules: Path | str, *scraped: Manifest) -> Manifest:
    """Return a configuration; the rules are looked at each second."""
    return {
        "global": {"evaluation_interval": "1s"},
        "rule_files": [str(rules)],
        "scrape_configs": list(scraped),
    }


@dataclass(frozen=True)
class Prometheus:
    """One that answers somewhere."""

    get: Callable[[str], str]
    """Returns what it answers to GET of a path."""

    def ask(self, path: str, **parameters: str | float) -> Any:
        """Return the data of an answer of its API."""
        return json.loads(self.get(f"/api/v1/{path}?{urllib.parse.urlencode(parameters)}"))["data"]

    def values(self, expression: str, at: float | None = None) -> dict[tuple[str, ...], float]:
        """Return the value of each series now or then, by the values of its labels in the order of their names."""
        found = self.ask("query", query=expression, **({"time": at} if at else {}))["result"]
        if found and not isinstance(found[0], dict):
            return {(): float(found[1])}
        return {
            tuple(value for _, value in sorted(one["metric"].items()) if value): float(one["value"][1])
            for one in found
            if not math.isnan(float(one["value"][1]))
        }

    def course(self, expression: str, seconds: int = 60, step: int = 1) -> list[Manifest]:
        """Return each series of the last seconds that has a number."""
        now = time.time()
        found = self.ask("query_range", query=expression, start=now - seconds, end=now, step=step)["result"]
        return [one for one in found if any(value != "NaN" for _, value in one["values"])]

    def firing(self, alert: str) -> list[dict[str, str]]:
        """Return the labels of each that fires, of one alert."""
        found = [one for one in self.ask("alerts")["alerts"] if one["state"] == "firing"]
        return [one["labels"] for one in found if one["labels"]["alertname"] == alert]

    def is_ready(self) -> bool:
        """Tell whether it serves."""
        try:
            return bool(self.get("/-/ready"))
        except OSError:
            return False


def as_grafana_asks(expression: str) -> str:
    """Return a query of the dashboard as Grafana sends it when everything is chosen."""
    for name, value in _CHOSEN.items():
        expression = expression.replace(name, value)
    return expression


@contextmanager
def running(folder: Path, port: int, monitored: Manifest, rule: Manifest) -> Iterator[Prometheus]:
    """Run one on loopback; it ends with the block, or with the tests."""
    rules, config = folder / "rules.yaml", folder / "prometheus.yaml"
    rules.write_text(yaml.safe_dump(rule["spec"]))
    config.write_text(yaml.safe_dump(configuration(rules, monitored)))
    command = ["/usr/bin/setpriv", "--pdeathsig", "KILL", "--", PROGRAM, f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    log = folder / "prometheus.log"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            yield _ready(Prometheus(lambda path: _text(f"http://127.0.0.1:{port}{path}")), process, log)
        finally:
            process.kill()


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text


def _ready(prometheus: Prometheus, process: subprocess.Popen[bytes], log: Path) -> Prometheus:
    end = time.monotonic() + _PATIENCE
    while not prometheus.is_ready():
        assert process.poll() is None, f"it ended:\n{log.read_text()}"
        assert time.monotonic() < end, f"it was not ready in time:\n{log.read_text()}"
        time.sleep(0.05)
    return prometheus
