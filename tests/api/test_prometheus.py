"""A real Prometheus that scrapes the operator: every query of the dashboard and of the alerts finds something there."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from alembic_operator.contract import ExitCode, Failure, Result
from alembic_operator.contract.fleet import Fleet
from alembic_operator.contract.progress import Progress
from alembic_operator.core.names import MIGRATION_LABEL
from devcluster.controlplane import ApiServer
from tests.api.chart import of_kind, render
from tests.api.crd_imports_examples import an_import
from tests.api.listener import listening
from tests.api.operator_process import OperatorProcess, account, allow_policies, free_port
from tests.api.rest import Manifest, Rest
from tests.api.shop import POD, Shop, until
from tests.api.test_operator_by_pods import UNREACHABLE, Gates
from tests.api.workloads import Workload
from tests.prometheus import Prometheus, as_grafana_asks, found_here, running, scrape_config

pytest_plugins = ["tests.api.operator_fixtures"]
pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports

NO_LOCK = Result("LockTimeout", error=Failure("canceling statement due to lock timeout", "55P03"))
BLOCKED = replace(NO_LOCK, reason="RevisionFailed", from_=("a1",), to=("a1",), target=("b2",), pending=1)
FORBIDDEN = "forbidden"
"""A namespace in which the operator has no rights."""
ABSENT = "AlembicOperatorAbsent"


@dataclass(frozen=True)
class Watched:
    """An operator that Prometheus scrapes, with two namespaces."""

    prometheus: Prometheus
    shop: Shop
    pods: Shop
    """Whose migration is run by its pods' gates."""
    began: float
    """When Prometheus was there, and no operator."""
    installed: list[Manifest]
    """What the chart installs."""

    def sees(self, expression: str, value: float) -> None:
        """Wait until Prometheus has scraped a value."""
        until(lambda: value in self.prometheus.values(expression).values(), lambda: self.prometheus.values(expression))


@pytest.fixture
def watched(cluster: ApiServer, admin: Rest, empty_shop: Shop, other_shop: Shop, tmp_path: Path) -> Iterator[Watched]:
    port, namespaces = free_port(), (empty_shop.namespace, other_shop.namespace)
    enabled = [f"--set=metrics.{part}.enabled=true" for part in ("podMonitor", "rules", "dashboard")]
    enabled.append("--set=metrics.rules.runbooks=https://wiki.example/alerts")
    installed = render(*enabled, f"--set=metrics.port={port}", "--set=metrics.podMonitor.interval=1s")
    (monitor,), (rule,) = of_kind(installed, "PodMonitor"), of_kind(installed, "PrometheusRule")
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, *namespaces)
    allow_policies(admin, empty_shop.namespace, "gone")
    flags = (
        "--progress",
        "--gate-policies=gone",
        *(f"--namespace={one}" for one in (*namespaces, FORBIDDEN)),
        f"--metrics-port={port}",
    )
    scraped = scrape_config(monitor, found_here(monitor, [_pod(installed)]))
    with running(tmp_path, free_port(), scraped, rule) as prometheus:
        until(lambda: prometheus.values("up == 0"))
        began = time.time()
        process = OperatorProcess(kubeconfig, flags).start()
        yield Watched(prometheus, empty_shop, other_shop, began, installed)
        process.kill()


def _pod(installed: list[Manifest]) -> Manifest:
    """Return the pod of the chart's Deployment, as if it ran on this machine."""
    (deployment,) = of_kind(installed, "Deployment")
    template = deployment["spec"]["template"]
    metadata = template["metadata"] | {"name": "operator-0", "namespace": deployment["metadata"]["namespace"]}
    return {"metadata": metadata, "spec": template["spec"], "status": {"podIP": "127.0.0.1"}}


@pytest.mark.timeout(120)
def test_every_query_of_the_dashboard_and_of_the_alerts_finds_something(watched: Watched, admin: Rest) -> None:
    prometheus = watched.prometheus
    _live(watched)
    dashboard = json.loads(of_kind(watched.installed, "ConfigMap")[0]["data"]["alembic-operator.json"])
    asked = [(one["title"], target) for one in dashboard["panels"] for target in one.get("targets", ())]
    assert len(asked) > 30

    def without_answer() -> list[tuple[str, str]]:
        return [(title, one["expr"]) for title, one in asked if not _answer(prometheus, one)]

    until(lambda: not without_answer(), without_answer)
    _lose_rights(watched, admin)
    (rule,) = of_kind(watched.installed, "PrometheusRule")
    alerts = {one["alert"]: one["expr"] for one in rule["spec"]["groups"][0]["rules"]}
    assert prometheus.values(alerts.pop(ABSENT), watched.began)

    def silent() -> list[str]:
        return [name for name, expression in alerts.items() if not prometheus.values(expression)]

    until(lambda: not silent(), silent)
    told = {one["health"] for one in prometheus.ask("rules")["groups"][0]["rules"]}
    assert told == {"ok"}
    firing = 'ALERTS{alertname="AlembicMigrationBlocked", alertstate="firing"}'
    assert len(prometheus.values(f"max by (namespace, name) ({firing})")) == 2


def _answer(prometheus: Prometheus, target: Any) -> object:
    expression = as_grafana_asks(target["expr"])
    return prometheus.values(expression) if target["instant"] else prometheus.course(expression)


def _live(watched: Watched) -> None:
    """Have one migration that is ready, one that runs while a pod is held, one that is stalled, one that is retried."""
    shop, users = watched.shop, Workload(watched.shop)
    shop.migrate("chat")
    shop.succeeds("chat")
    shop.rest.create(an_import(migrationRef={"name": "chat"}), shop.namespace)  # which says of no database where it is
    shop.migrate("orders", database={"urlFrom": {"name": "db", "key": "url"}}, tenants={"pattern": "ws%"})
    watched.sees(f'alembic_operator_migration_lock_timeouts_total{{namespace="{shop.namespace}",name="orders"}}', 0)
    shop.kubelet.ends(shop.pod("orders"), ExitCode.FAILED, replace(BLOCKED, tenants=Fleet(3, 1, 0, 2)))
    shop.becomes("RevisionFailed", "orders")
    shop.migrate()
    users.create()
    replicas = users.replica_set("6d9f")
    held = users.held(replicas)
    ungated = {"metadata": {"name": "ungated", "labels": {MIGRATION_LABEL: "users"}}}
    shop.rest.create(POD | ungated | {"spec": {"containers": [{"name": "app", "image": "a"}]}}, shop.namespace)
    first = shop.pod()
    shop.succeeds()
    users.passes(held)
    watched.sees("alembic_operator_gate_delay_seconds_count", 1)
    _retry(watched)
    shop.change(source={"image": "registry.test/users:2"})
    users.held(replicas, 1)
    pod = shop.pod(besides=(first,))
    moved = int(time.time()) - 400
    said = Progress(at=0, since=moved, moved=moved, run=_run_of(pod, shop), revision="b2", index=1, of=1)
    with listening(said):
        shop.kubelet.starts(pod, address="127.0.0.1")
        shop.becomes("Migrating")
        watched.sees("alembic_operator_migration_held_pods", 1)
        watched.sees("alembic_operator_migration_run_progress_timestamp_seconds", moved)


def _run_of(pod: Manifest, shop: Shop) -> str:
    return f"{shop.namespace}/{pod['metadata']['ownerReferences'][0]['name']}"


def _retry(watched: Watched) -> None:
    gates = Gates(watched.pods)
    watched.pods.migrate(strategy="InitContainer")
    gates.make("p0")
    gates.starts("p0")
    for second in range(1, 8):
        result = NO_LOCK if second % 2 else UNREACHABLE
        gates.fails("p0", ExitCode.TRY_AGAIN, result, second)
        watched.pods.becomes(result.reason)
        if second == 1:
            watched.sees("alembic_operator_migration_run_attempts", 1)


def _lose_rights(watched: Watched, admin: Rest) -> None:
    """Let the operator fail at its work."""
    name = watched.shop.namespace
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": name}}
    admin.delete(binding, watched.pods.namespace)
    for number in range(6):
        watched.pods.migrate(f"late-{number}")
