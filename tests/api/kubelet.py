"""Play the kubelet and the scheduler: say of pods what those would say, and nothing that they would not."""

from dataclasses import dataclass
from typing import Any

from alembic_operator.contract import Result
from alembic_operator.core.names import CONTAINER
from tests.api.rest import Manifest, Rest

NOW = "2026-01-01T00:00:00Z"
DIGEST = f"registry.test/users@sha256:{'0' * 64}"
POD: Manifest = {"apiVersion": "v1", "kind": "Pod"}


@dataclass(frozen=True)
class Kubelet:
    """The node agent of one namespace."""

    rest: Rest
    namespace: str

    def binds(self, pod: Manifest) -> None:
        """Give the pod a node, as the scheduler does; from now on its deletion waits for the kubelet."""
        path = f"/api/v1/namespaces/{self.namespace}/pods/{pod['metadata']['name']}/binding"
        target = {"apiVersion": "v1", "kind": "Node", "name": "node"}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": pod["metadata"]["name"]}}
        self.rest.request("POST", path, binding | {"target": target})

    def starts(self, pod: Manifest, address: str = "") -> None:
        """Have the migration running."""
        where = {"podIP": address, "podIPs": [{"ip": address}]} if address else {}
        self._say(pod, where | {"phase": "Running", "containerStatuses": [_main({"running": {"startedAt": NOW}})]})

    def ends(self, pod: Manifest, code: int, result: Result | str = "") -> None:
        """End the migration with an exit code and a termination message."""
        message = result if isinstance(result, str) else result.to_json()
        ended = {"exitCode": code, "message": message, "reason": "Error" if code else "Completed"}
        state = {"terminated": ended | {"startedAt": NOW, "finishedAt": NOW}}
        self._say(pod, {"phase": "Failed" if code else "Succeeded", "containerStatuses": [_main(state)]})

    def cannot_start(self, pod: Manifest, reason: str, message: str) -> None:
        """Wait with the migration's container, and say why."""
        waiting = {"waiting": {"reason": reason, "message": message}}
        self._say(pod, {"phase": "Pending", "containerStatuses": [_main(waiting)]})

    def finds_no_node(self, pod: Manifest, message: str) -> None:
        """Say what the scheduler says when no node takes the pod."""
        condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
        self._say(pod, {"conditions": [condition | {"lastTransitionTime": NOW}]})

    def evicts(self, pod: Manifest) -> None:
        """End a pod as a drained node does: interrupted, and for no fault of its own."""
        condition = {"type": "DisruptionTarget", "status": "True", "reason": "TerminationByKubelet"}
        ended = {"terminated": {"exitCode": 143, "reason": "Error", "startedAt": NOW, "finishedAt": NOW}}
        changes = {"conditions": [condition | {"lastTransitionTime": NOW}], "containerStatuses": [_main(ended)]}
        self._say(pod, {"phase": "Failed"} | changes)

    def removes(self, pod: Manifest) -> None:
        """Let go of a pod that is being deleted."""
        self.rest.delete(POD | {"metadata": pod["metadata"]}, self.namespace, gracePeriodSeconds="0")

    def _say(self, pod: Manifest, status: Manifest) -> None:
        if "containerStatuses" in status:
            status = status | {"startTime": NOW}
        self.rest.merge(
            POD | {"metadata": {"name": pod["metadata"]["name"]}}, {"status": status}, self.namespace, "status"
        )


def _main(state: dict[str, Any]) -> Manifest:
    running = "running" in state
    return {
        "name": CONTAINER,
        "image": "registry.test/users:1",
        "imageID": "" if "waiting" in state else DIGEST,
        "ready": running,
        "started": running,
        "restartCount": 0,
        "state": state,
    }
