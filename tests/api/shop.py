"""One namespace with its migrations, as a person and a kubelet see it, in the words of the tests."""

import http.client
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from alembic_operator.api.v1alpha1 import API_VERSION, KIND
from alembic_operator.contract import Applied, Failure, Result
from alembic_operator.core.names import RUN_LABEL
from tests.api.kubelet import Kubelet
from tests.api.rest import Manifest, RefusedError, Rest, path_of

MIGRATION: Manifest = {"apiVersion": API_VERSION, "kind": KIND}
JOB: Manifest = {"apiVersion": "batch/v1", "kind": "Job"}
POD: Manifest = {"apiVersion": "v1", "kind": "Pod"}
EVENT: Manifest = {"apiVersion": "events.k8s.io/v1", "kind": "Event"}

IMAGE = {"image": "registry.test/users:1"}
SUCCESS = Result("UpToDate", to=("b2",), target=("b2",), applied=(Applied("a1", 20), Applied("b2", 1500)))
BROKEN = Result(
    "RevisionFailed",
    from_=("a1",),
    to=("a1",),
    target=("b2",),
    pending=1,
    error=Failure('relation "user" does not exist', "42P01", "b2", "ALTER TABLE user ...", "correct the revision"),
)

_PATIENCE = 20.0
_PACE = 0.06

Found = TypeVar("Found")


def until(question: Callable[[], Found], seen: Callable[[], Any] | None = None) -> Found:
    """Ask until the answer is true, and return it; say at the deadline what was there instead."""
    end = time.monotonic() + _PATIENCE
    while not (answer := question()):
        if time.monotonic() > end:
            shown = json.dumps(seen(), indent=1, default=str) if seen else repr(answer)
            raise AssertionError(f"not within {_PATIENCE:.0f} s; there is {shown}")
        time.sleep(_PACE)
    return answer


@dataclass(frozen=True)
class Shop:
    """A namespace of one test."""

    rest: Rest
    namespace: str

    @property
    def kubelet(self) -> Kubelet:
        """Play the node."""
        return Kubelet(self.rest, self.namespace)

    def migrate(self, name: str = "users", **spec: Any) -> Manifest:
        """Create a migration; its source is an image unless told otherwise."""
        manifest: Manifest = MIGRATION | {"metadata": {"name": name}, "spec": {"source": IMAGE} | spec}
        created: Manifest = self.rest.create(manifest, self.namespace)
        return created

    def change(self, name: str = "users", **spec: Any) -> None:
        """Change some fields of a migration's specification."""
        self.rest.merge(MIGRATION | {"metadata": {"name": name}}, {"spec": spec}, self.namespace)

    def annotate(self, annotations: dict[str, str], name: str = "users") -> None:
        """Annotate a migration; any annotation makes the operator look at it."""
        changes = {"metadata": {"annotations": annotations}}
        self.rest.merge(MIGRATION | {"metadata": {"name": name}}, changes, self.namespace)

    def see(self, name: str = "users") -> Manifest:
        """Return a migration as it is now."""
        found: Manifest = self.rest.get(MIGRATION, self.namespace, name)
        return found

    def status(self, name: str = "users") -> Manifest:
        """Return a migration's status as it is now."""
        found: Manifest = self.see(name).get("status") or {}
        return found

    def becomes(self, reason: str, name: str = "users") -> Manifest:
        """Wait for the reason of all conditions, and return the status."""
        until(lambda: reasons(self.status(name)) == {reason}, lambda: self.status(name))
        return self.status(name)

    def says(self, text: str, name: str = "users") -> str:
        """Wait until the message of Ready contains a text, and return the message."""
        until(lambda: text in message(self.status(name)), lambda: self.status(name))
        return message(self.status(name))

    def jobs(self, name: str = "users") -> list[Manifest]:
        """Return a migration's Jobs, the oldest first."""
        return self._labelled(JOB, name)

    def job(self, name: str = "users", *, besides: Sequence[Manifest] = ()) -> Manifest:
        """Wait for the one Job of a migration besides these, and return it."""
        return _only(until(lambda: _without(self.jobs(name), besides)))

    def pods(self, name: str = "users") -> list[Manifest]:
        """Return a migration's pods, the oldest first."""
        return self._labelled(POD, name)

    def pod(self, name: str = "users", *, besides: Sequence[Manifest] = ()) -> Manifest:
        """Wait for the one pod of a migration besides these, and return it."""
        return _only(until(lambda: _without(self.pods(name), besides)))

    def events(self, name: str = "users") -> list[Manifest]:
        """Return what was said about a migration, the oldest first."""
        said = [one for one in self.rest.items(EVENT, self.namespace) if one["regarding"].get("name") == name]
        return sorted((one for one in said if one["regarding"]["kind"] == KIND), key=lambda one: str(one["eventTime"]))

    def occasions(self, name: str = "users") -> list[str]:
        """Return the reasons of the Events about a migration, the oldest first."""
        return [one["reason"] for one in self.events(name)]

    def succeeds(self, name: str = "users", result: Result = SUCCESS) -> Manifest:
        """Run the one pod of a migration to its good end, and return the status."""
        pod = self.pod(name)
        self.kubelet.starts(pod)
        self.becomes("Migrating", name)
        self.kubelet.ends(pod, 0, result)
        return self.becomes(result.reason, name)

    def changes(self, kind: Manifest, since: Manifest) -> list[Manifest]:
        """Return all that happened to objects of a kind since one was stored, told by the API server's own memory."""
        query = f"watch=1&timeoutSeconds=1&resourceVersion={since['metadata']['resourceVersion']}"
        connection = http.client.HTTPSConnection(
            self.rest.connection.host, self.rest.connection.port, context=self.rest.context
        )
        connection.request("GET", f"{path_of(kind, self.namespace)}?{query}")
        told = [json.loads(line) for line in connection.getresponse().read().splitlines()]
        connection.close()
        return told

    def allow_none(self, resource: str) -> None:
        """Set a quota of zero; no controller runs that would count what is used."""
        manifest: Manifest = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "none"}}
        hard = {"hard": {resource: "0"}}
        self.rest.create(manifest | {"spec": hard}, self.namespace)
        self.rest.merge(manifest, {"status": hard | {"used": {resource: "0"}}}, self.namespace, "status")

    def label(self, labels: dict[str, str]) -> None:
        """Put labels on the namespace."""
        manifest: Manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.namespace}}
        self.rest.merge(manifest, {"metadata": {"labels": labels}})

    def exists(self, kind: Manifest, name: str) -> bool:
        """Tell whether there is such an object."""
        try:
            self.rest.get(kind, self.namespace, name)
        except RefusedError as refused:
            assert refused.code == http.client.NOT_FOUND  # noqa: PT017
            return False
        return True

    def _labelled(self, kind: Manifest, name: str) -> list[Manifest]:
        found = self.rest.items(kind, self.namespace, labelSelector=f"{RUN_LABEL}={name}")
        return sorted(found, key=lambda one: int(one["metadata"]["resourceVersion"]))


def _without(found: list[Manifest], besides: Sequence[Manifest]) -> list[Manifest]:
    others = {one["metadata"]["uid"] for one in besides}
    return [one for one in found if one["metadata"]["uid"] not in others]


def _only(found: list[Manifest]) -> Manifest:
    assert len(found) == 1, [one["metadata"]["name"] for one in found]
    return found[0]


def conditions(status: Manifest) -> dict[str, str]:
    """Return the conditions' statuses by their types."""
    return {one["type"]: one["status"] for one in status.get("conditions") or ()}


def reasons(status: Manifest) -> set[str]:
    """Return the reasons of all conditions: always one, once there are any."""
    return {one["reason"] for one in status.get("conditions") or ()}


def message(status: Manifest) -> str:
    """Return the message of Ready."""
    return next((one["message"] for one in status.get("conditions") or () if one["type"] == "Ready"), "")
