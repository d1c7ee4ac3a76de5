"""Play the controllers of Deployments and ReplicaSets, and the kubelet at a gate."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alembic_operator.core.names import GATE_CONTAINER, MIGRATION_LABEL
from tests.api.kubelet import NOW
from tests.api.rest import PATCH, Manifest, RefusedError, Rest, path_of
from tests.api.shop import EVENT, POD, Shop, until

DEPLOYMENT: Manifest = {"apiVersion": "apps/v1", "kind": "Deployment"}
REPLICA_SET: Manifest = {"apiVersion": "apps/v1", "kind": "ReplicaSet"}
ROLLOUT: Manifest = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout"}
SUITABLE: Manifest = {
    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
    "progressDeadlineSeconds": 7200,
}
IMAGE = "registry.test/users:1"


def define_rollouts(admin: Rest) -> None:
    """Define the kind, with as much of its schema as matters here: none."""
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    version = {"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}
    names = {"kind": "Rollout", "plural": "rollouts"}
    spec = {"group": "argoproj.io", "scope": "Namespaced", "names": names, "versions": [version]}
    kind = {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition"}
    admin.apply(kind | {"metadata": {"name": "rollouts.argoproj.io"}, "spec": spec})
    until(lambda: _is_served(admin))


def _is_served(admin: Rest) -> bool:
    try:
        admin.items(ROLLOUT, "default")
    except RefusedError:
        return False
    return True


@dataclass(frozen=True)
class Workload:
    """A Deployment whose pods wait for the migration `users`."""

    shop: Shop
    name: str = "users"

    def create(self, labels: dict[str, str] | None = None, **spec: Any) -> Manifest:
        """Make the Deployment; its settings suit a gate unless told otherwise."""
        labels = {"app": self.name, MIGRATION_LABEL: "users"} if labels is None else labels
        given = SUITABLE | {"replicas": 4, "selector": {"matchLabels": {"app": self.name}}} | spec
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": IMAGE}]}}
        manifest = DEPLOYMENT | {"metadata": {"name": self.name}, "spec": given | {"template": template}}
        created: Manifest = self.shop.rest.create(manifest, self.shop.namespace)
        return created

    def change(self, manager: str, **spec: Any) -> None:
        """Change fields of it in somebody's name."""
        path = path_of(DEPLOYMENT, self.shop.namespace, self.name)
        headers = {"Content-Type": PATCH["merge"]}
        self.shop.rest.request("PATCH", path, {"spec": spec}, headers, fieldManager=manager)

    def replica_set(self, digits: str) -> Manifest:
        """Make a ReplicaSet of it, as its controller does for each template."""
        owner = self.shop.rest.get(DEPLOYMENT, self.shop.namespace, self.name)
        labels = {"app": self.name, "pod-template-hash": digits, MIGRATION_LABEL: "users"}
        template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "app", "image": IMAGE}]}}
        metadata = {"name": f"{self.name}-{digits}", "ownerReferences": [_owner(DEPLOYMENT, owner)]}
        spec = {"selector": {"matchLabels": labels}, "template": template}
        made: Manifest = self.shop.rest.create(REPLICA_SET | {"metadata": metadata, "spec": spec}, self.shop.namespace)
        return made

    def pod(self, of: Manifest, number: int = 0, *, annotations: dict[str, str] | None = None) -> Manifest:
        """Make a pod of a ReplicaSet, with the gate that the admission policy would put into it."""
        spec: Manifest = {"containers": [{"name": "app", "image": IMAGE}]}
        if not annotations:
            spec |= {"initContainers": [{"name": GATE_CONTAINER, "image": IMAGE, "command": ["python3"]}]}
        metadata = {
            "name": f"{of['metadata']['name']}-{number}",
            "labels": of["spec"]["template"]["metadata"]["labels"],
            "annotations": annotations or {},
            "ownerReferences": [_owner(REPLICA_SET, of)],
        }
        made: Manifest = self.shop.rest.create(POD | {"metadata": metadata, "spec": spec}, self.shop.namespace)
        return made

    def held(self, of: Manifest, number: int = 0) -> Manifest:
        """Make a pod that has been waiting at its gate for a long time."""
        pod = self.pod(of, number)
        self.comes(pod, NOW)
        return pod

    def comes(self, pod: Manifest, since: str = "") -> None:
        """Have a pod run its gate, since now unless told otherwise."""
        self._say(pod, {"running": {"startedAt": since or _now()}})

    def passes(self, pod: Manifest) -> None:
        """Open a pod's gate."""
        self._say(pod, {"terminated": {"exitCode": 0, "startedAt": NOW, "finishedAt": _now()}})

    def removes(self, pod: Manifest) -> None:
        """Delete a pod that no node has."""
        self.shop.rest.delete(POD | {"metadata": {"name": pod["metadata"]["name"]}}, self.shop.namespace)

    def events(self, reason: str) -> list[Manifest]:
        """Return what was said about it for one reason, the oldest first."""
        said = [
            one
            for one in self.shop.rest.items(EVENT, self.shop.namespace)
            if one["reason"] == reason and one["regarding"].get("name") == self.name
        ]
        assert all(one["regarding"]["kind"] == "Deployment" for one in said)
        return sorted(said, key=lambda one: str(one["eventTime"]))

    def notes(self, reason: str) -> list[str]:
        """Return the words of these events."""
        return [one["note"] for one in self.events(reason)]

    def _say(self, pod: Manifest, state: Manifest) -> None:
        gate = {"name": GATE_CONTAINER, "image": IMAGE, "imageID": "", "ready": False, "restartCount": 0}
        status = {"phase": "Pending", "startTime": NOW, "initContainerStatuses": [gate | {"state": state}]}
        name = {"metadata": {"name": pod["metadata"]["name"]}}
        self.shop.rest.merge(POD | name, {"status": status}, self.shop.namespace, "status")


def _owner(kind: Manifest, made: Manifest) -> Manifest:
    return kind | {"name": made["metadata"]["name"], "uid": made["metadata"]["uid"], "controller": True}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
