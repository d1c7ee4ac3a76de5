"""What Prometheus is told, read as Prometheus reads it, of one migration's life on a real API server."""

import platform
import re
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import pytest
from prometheus_client import parser as plain_text
from prometheus_client.openmetrics import parser as open_metrics

from alembic_operator.contract import ExitCode, Failure, Result
from alembic_operator.core.names import MIGRATION_LABEL
from alembic_operator.shell.metrics.families import (
    OF_IMPORTS,
    OF_MIGRATIONS,
    OF_THE_OPERATOR,
    PREFIX,
    PROGRESS,
    TENANTS,
)
from devcluster.controlplane import ApiServer
from tests.api.kubelet import DIGEST, NOW
from tests.api.operator_process import OperatorProcess, account, allow_policies, free_port
from tests.api.rest import Manifest, Rest
from tests.api.shop import POD, SUCCESS, Shop, until
from tests.api.workloads import Workload

pytest_plugins = ["tests.api.operator_fixtures"]

BLOCKED = Result("RevisionFailed", error=Failure("canceling statement due to lock timeout", "55P03"))
FORBIDDEN = "forbidden"
"""A namespace in which the operator has no rights."""
SINCE = datetime.fromisoformat(NOW).timestamp()
MATCHES = {
    "resourceRules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}]
}
POLICY: Manifest = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "spec": {"matchConstraints": MATCHES, "validations": [{"expression": "true"}]},
}
BINDING: Manifest = {"apiVersion": POLICY["apiVersion"], "kind": "ValidatingAdmissionPolicyBinding"}
SECONDS = {"locks": 0.7, "revisions": pytest.approx(1.52), "read-back": 0.08}
Samples = dict[str, dict[tuple[str, ...], float]]


@pytest.fixture
def measured(cluster: ApiServer, admin: Rest, empty_shop: Shop, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Start an operator that serves /metrics."""
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    flags = (f"--namespace={empty_shop.namespace}", f"--namespace={FORBIDDEN}", f"--metrics-port={free_port()}")
    allow_policies(admin, empty_shop.namespace, empty_shop.namespace)
    admin.apply(POLICY | {"metadata": {"name": empty_shop.namespace}})
    admin.apply(
        BINDING
        | {
            "metadata": {"name": empty_shop.namespace},
            "spec": {"policyName": empty_shop.namespace, "validationActions": ["Audit"]},
        }
    )
    process = OperatorProcess(kubeconfig, (f"--gate-policies={empty_shop.namespace}", *flags)).start()
    yield process
    process.kill()


def asked(operator: OperatorProcess, accept: str = "text/plain") -> tuple[str, str]:
    port = operator.arguments[-1].partition("=")[2]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/metrics", headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def scraped(operator: OperatorProcess, migration: str = "users") -> Samples:
    """Return the samples of one migration and of the operator, by name without prefix and by other labels' values."""
    found: Samples = {}
    for family in plain_text.text_string_to_metric_families(asked(operator)[1]):
        for one in family.samples:
            own = {"namespace", "name"} if "name" in one.labels else set()
            if not own or one.labels["name"] == migration:
                labels = tuple(value for name, value in sorted(one.labels.items()) if name not in own)
                found.setdefault(one.name.removeprefix(PREFIX), {})[labels] = one.value
    return found


def test_each_metric_has_its_value_while_a_migration_runs_and_when_it_has_ended(
    measured: OperatorProcess, empty_shop: Shop
) -> None:
    shop, users = empty_shop, Workload(empty_shop)
    shop.migrate()
    users.create()
    held = users.held(users.replica_set("6d9f"))
    ungated = {"metadata": {"name": "ungated", "labels": {MIGRATION_LABEL: "users"}}}
    shop.rest.create(POD | ungated | {"spec": {"containers": [{"name": "app", "image": "a"}]}}, shop.namespace)
    shop.kubelet.starts(shop.pod())
    shop.becomes("Migrating")
    until(lambda: shop.status()["heldPods"] == 1)
    now = scraped(measured)
    assert now["migration_ready"] == {(): 0}
    assert now["migration_reason"] == {("Reconciling", "Migrating"): 1}
    assert now["migration_held_pods"] == now["migration_ungated_pods"] == {(): 1}
    assert now["migration_held_since_timestamp_seconds"] == {(): SINCE}
    assert now["migration_run_started_timestamp_seconds"][()] >= SINCE
    assert "migration_last_success_timestamp_seconds" not in now
    before = now
    shop.succeeds(result=replace(SUCCESS, lock_ms=700, read_back_ms=80))
    users.passes(held)
    until(lambda: scraped(measured)["gate_delay_seconds_count"] == {(): 1}, lambda: scraped(measured))
    now = scraped(measured)
    assert now["migration_ready"] == now["migration_run_attempts"] == now["leader"] == {(): 1}
    assert now["migration_pending_revisions"] == now["queue_depth"] == {(): 0}
    assert now["migration_info"] == {("b2", DIGEST, "Job", "b2"): 1}
    assert now["migration_runs_total"] == {("UpToDate",): 1}
    parts = now["migration_run_seconds"]
    assert {part: parts[(part,)] for part in ("locks", "revisions", "read-back")} == SECONDS
    assert parts[("rest",)] >= 0
    assert now["migration_last_success_timestamp_seconds"][()] >= SINCE
    assert now["reconcile_duration_seconds_count"][("success",)] >= 3
    assert now["api_requests_total"][("201", "jobs", "create")] == 1
    assert now["unreadable"][(FORBIDDEN, "jobs")] == 1
    assert now["watch_restarts_total"][("jobs",)] >= 1
    assert now["gate_policy"] == {("validation",): 1, ("injection",): 0}
    assert "migration_run_started_timestamp_seconds" not in now
    assert "migration_held_since_timestamp_seconds" not in now
    assert now["migration_lock_timeouts_total"] == {(): 0}
    assert now["build_info"] == {(platform.python_version(), version("alembic-operator")): 1}
    names = {_family(one) for one in (*before, *now)}
    missing = {one.name for one in (*OF_MIGRATIONS, *OF_THE_OPERATOR)} - names
    assert missing == {PROGRESS.name, TENANTS.name}, "nothing here tells how far a run is, or has tenants"


def _family(sample: str) -> str:
    return re.sub("_(bucket|count|sum)$", "", sample)


def test_a_lock_that_others_hold_is_counted(measured: OperatorProcess, empty_shop: Shop) -> None:
    empty_shop.migrate()
    pod = empty_shop.pod()
    empty_shop.kubelet.ends(pod, ExitCode.FAILED, BLOCKED)
    empty_shop.becomes("RevisionFailed")
    now = scraped(measured)
    assert now["migration_lock_timeouts_total"] == {(): 1}
    assert now["migration_reason"] == {("Stalled", "RevisionFailed"): 1}


def test_open_metrics_are_served_to_who_accepts_them(measured: OperatorProcess) -> None:
    content_type, body = asked(measured, "application/openmetrics-text;version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    names = {one.name for one in open_metrics.text_string_to_metric_families(body)}  # type: ignore[no-untyped-call]
    families = (*OF_IMPORTS, *OF_MIGRATIONS, *OF_THE_OPERATOR)
    known = {PREFIX + one.name.removesuffix("_total") for one in families}
    assert {one for one in names if not one.startswith("process_")} == known
    assert "process_resident_memory_bytes" in names
