"""What somebody sees at night: pods that are held, workloads at risk, and who let pods through."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from demo.expectation import until
from tests.e2e.migration import PATIENCE
from tests.e2e.shop import BROKEN, REVISIONS
from tests.e2e.workloads import gate_of

if TYPE_CHECKING:
    from tests.e2e.shop import App, OpenShop

SKIP = {"alembic-operator.dev/gate": "Skip"}


def described(app: App, reason: str) -> list[str]:
    """Return what `kubectl describe` shows of a Deployment for one reason, after it has come."""

    def lines() -> list[str] | None:
        shown = app.access.kubectl("describe", f"{app.kind}/{app.name}")
        return [line for line in shown.splitlines() if f" {reason} " in line] or None

    return until(lines, PATIENCE, f"kubectl describe shows no {reason}")


def test_who_looks_at_the_deployment_of_a_failed_release_sees_all_there_is_to_know(open_shop: OpenShop) -> None:
    shop = open_shop("night")
    shop.app.ship(BROKEN)
    shop.migration.until_stalled()
    (waiting,) = shop.app.until_at_gate(BROKEN)
    told = shop.migration.until(lambda raw: raw["status"].get("heldPods") == 1, "holding a pod")
    assert "; 1 pod of Deployment night held since 20" in told.message
    assert told.message.endswith(f", for revision {REVISIONS[BROKEN]}")
    replica_set = waiting["metadata"]["ownerReferences"][0]["name"]
    until(
        lambda: (
            [line for line in described(shop.app, "PodsHeld") if f"(ReplicaSet {replica_set}) wait" in line] or None
        ),
        PATIENCE,
        f"nobody says that pods of {replica_set} wait",
    )
    patch = {"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": 1}}, "progressDeadlineSeconds": 600}}
    shop.app.access.kubectl("patch", "deployment/night", f"--patch={json.dumps(patch)}")
    until(lambda: len(described(shop.app, "RolloutAtRisk")) == 2 or None, PATIENCE, "not both of the risks are told")
    shop.app.annotate_pods(SKIP)
    (skipped,) = described(shop.app, "GateSkipped")
    assert "Warning" in skipped
    assert "DatabaseMigration night is not Ready (RevisionFailed" in skipped
    assert "alembic-operator.dev/gate was set by kubectl-patch (Update, 20" in skipped
    assert not any(gate_of(pod) for pod in shop.app.pods(BROKEN) if pod["metadata"]["annotations"] == SKIP)
    assert shop.migration.until(lambda raw: not raw["status"].get("heldPods"), "holding no pod")
