"""spec.strategy InitContainer on the real API server: what the kubelet says of gates becomes the status."""

from dataclasses import dataclass, replace

from alembic_operator.api.v1alpha1 import Spec
from alembic_operator.contract import ExitCode, Failure, Result
from alembic_operator.core.manifests import job
from alembic_operator.core.names import GATE_CONTAINER, MIGRATION_LABEL, RUNNER_PATH
from tests.api.kubelet import DIGEST
from tests.api.rest import Manifest
from tests.api.shop import BROKEN, IMAGE, POD, SUCCESS, Shop, conditions, message, until

pytest_plugins = ["tests.api.operator_fixtures"]

WAITED = replace(SUCCESS, from_=("b2",), applied=())
UNREACHABLE = Result("DatabaseUnreachable", error=Failure("connection refused"))
SPEC: Manifest = {"source": IMAGE, "strategy": "InitContainer"}


@dataclass(frozen=True)
class Gates:
    """Pods that migrate by themselves, and the kubelet that starts their gates."""

    shop: Shop

    def make(self, name: str, image: str = IMAGE["image"]) -> None:
        """Make a pod as the policy would make it of one with the label."""
        command = ["python3", RUNNER_PATH, *job.invocation(Spec.model_validate(SPEC)).argv()]
        gate = {"name": GATE_CONTAINER, "image": image, "command": command}
        spec = {"initContainers": [gate], "containers": [{"name": "app", "image": image}]}
        metadata = {"name": name, "labels": {MIGRATION_LABEL: "users"}}
        self.shop.rest.create(POD | {"metadata": metadata, "spec": spec}, self.shop.namespace)

    def starts(self, name: str, at: int = 0, last: Manifest | None = None) -> None:
        self._say(name, {"state": {"running": {"startedAt": _at(at)}}, "lastState": last or {}})

    def passes(self, name: str, result: Result, at: int = 0) -> None:
        self._say(name, {"state": self.end(ExitCode.OK, result, at)})

    def fails(self, name: str, code: int, result: Result, at: int = 0) -> None:
        waiting = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}
        self._say(name, {"state": waiting, "lastState": self.end(code, result, at)})

    def end(self, code: int, result: Result, at: int) -> Manifest:
        times = {"startedAt": _at(at), "finishedAt": _at(at)}
        reason = "Error" if code else "Completed"
        return {"terminated": times | {"exitCode": int(code), "message": result.to_json(), "reason": reason}}

    def _say(self, name: str, gate: Manifest) -> None:
        plain = {"name": GATE_CONTAINER, "image": IMAGE["image"], "imageID": DIGEST, "ready": False, "restartCount": 0}
        status = {"status": {"initContainerStatuses": [plain | gate]}}
        self.shop.rest.merge(POD | {"metadata": {"name": name}}, status, self.shop.namespace, "status")


def _at(second: int) -> str:
    return f"2026-01-01T00:00:{second:02}Z"


def test_one_pod_migrates_the_others_pass_and_the_status_stays_when_all_are_gone(shop: Shop) -> None:
    gates = Gates(shop)
    shop.migrate(strategy="InitContainer")
    assert "the first one migrates" in message(shop.becomes("WaitingForPods"))
    for name in ("p0", "p1"):
        gates.make(name)
        gates.starts(name)
    assert "pod p0 is migrating" in message(shop.becomes("Migrating"))
    gates.passes("p1", WAITED, 9)
    gates.passes("p0", SUCCESS, 8)
    until(lambda: shop.status()["lastRun"].get("pod") == "p0", shop.status)
    status = shop.becomes("UpToDate")
    assert conditions(status) == {"Ready": "True"}
    assert [one["revision"] for one in status["lastRun"]["applied"]] == ["a1", "b2"]
    assert (status["image"], len(status["history"]), shop.jobs()) == (DIGEST, 1, [])
    for name in ("p0", "p1"):
        shop.rest.delete(POD | {"metadata": {"name": name}}, shop.namespace, gracePeriodSeconds="0")
    shop.annotate({"look": "again"})
    gates.make("p2")
    gates.starts("p2")
    gates.passes("p2", WAITED, 30)
    assert shop.becomes("UpToDate")["lastRun"] == status["lastRun"]


def test_a_failure_is_told_as_of_a_job_while_the_kubelet_tries_again_and_heals(shop: Shop) -> None:
    gates = Gates(shop)
    shop.migrate(strategy="InitContainer")
    gates.make("p0")
    gates.starts("p0")
    gates.fails("p0", ExitCode.TRY_AGAIN, UNREACHABLE, 1)
    assert "connection refused; its pods try again" in message(shop.becomes("DatabaseUnreachable"))
    gates.fails("p0", ExitCode.FAILED, BROKEN, 2)
    status = shop.becomes("RevisionFailed")
    assert conditions(status) == {"Ready": "False", "Stalled": "True"}
    assert status["lastRun"]["error"]["sqlstate"] == "42P01"
    gates.starts("p0", 3, gates.end(ExitCode.FAILED, BROKEN, 2))
    gates.fails("p0", ExitCode.FAILED, BROKEN, 4)
    gates.passes("p0", SUCCESS, 5)
    assert [one["outcome"] for one in shop.becomes("UpToDate")["history"]] == [
        "UpToDate",
        "RevisionFailed",
        "DatabaseUnreachable",
    ]


def test_another_image_needs_new_pods_and_the_strategy_job_needs_none(shop: Shop) -> None:
    gates = Gates(shop)
    shop.migrate(strategy="InitContainer")
    gates.make("p0")
    gates.passes("p0", SUCCESS, 1)
    shop.becomes("UpToDate")
    shop.change(source={"image": "registry.test/users:2"})
    assert "no pod has the image registry.test/users:2 yet" in message(shop.becomes("WaitingForPods"))
    gates.make("p1", "registry.test/users:2")
    gates.passes("p1", WAITED, 2)
    shop.becomes("UpToDate")
    shop.change(source={"image": "registry.test/users:3"})
    shop.becomes("WaitingForPods")
    shop.change(strategy="Job")
    shop.becomes("Pending")
    assert len(shop.jobs()) == 1
