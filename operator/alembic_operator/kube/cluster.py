"""The one seam to the cluster: what the operator may ask of an API server, and of which resources."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from alembic_operator.api import imports, v1alpha1
from alembic_operator.core.observation.reading import Manifest


@dataclass(frozen=True)
class Resource:
    """A resource of the API."""

    group: str
    version: str
    plural: str

    @property
    def api_version(self) -> str:
        """`apiVersion` in a manifest."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str = "", subresource: str = "") -> str:
        """Return the URL path; without a namespace that of all namespaces."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        parts = [root, *(["namespaces", namespace] if namespace else []), self.plural, name, subresource]
        return "/".join(part for part in parts if part)


MIGRATIONS = Resource(v1alpha1.GROUP, v1alpha1.VERSION, v1alpha1.PLURAL)
IMPORTS = Resource(v1alpha1.GROUP, v1alpha1.VERSION, imports.PLURAL)
JOBS = Resource("batch", "v1", "jobs")
PODS = Resource("", "v1", "pods")
CONFIG_MAPS = Resource("", "v1", "configmaps")
EVENTS = Resource("events.k8s.io", "v1", "events")
DEPLOYMENTS = Resource("apps", "v1", "deployments")
STATEFUL_SETS = Resource("apps", "v1", "statefulsets")
LEASES = Resource("coordination.k8s.io", "v1", "leases")
ROLLOUTS = Resource("argoproj.io", "v1alpha1", "rollouts")
GATE_POLICIES = {
    kind: tuple(Resource("admissionregistration.k8s.io", "v1", plural) for plural in plurals)
    for kind, plurals in {
        "injection": ("mutatingadmissionpolicies", "mutatingadmissionpolicybindings"),
        "validation": ("validatingadmissionpolicies", "validatingadmissionpolicybindings"),
    }.items()
}
"""What puts gates into pods, and what refuses pods without one: each a policy and its binding, cluster-scoped."""

WORKLOADS = {"Deployment": DEPLOYMENTS, "StatefulSet": STATEFUL_SETS, "Rollout": ROLLOUTS}
"""By the kind that spec.source.workloadRef names."""


class Scope(NamedTuple):
    """What is listed or watched: a resource of a namespace, or of all."""

    resource: Resource
    namespace: str | None
    selector: str = ""
    """Of labels."""
    name: str = ""
    """Only what has this name, and of it only the metadata; empty: whole objects of any name."""

    def __str__(self) -> str:
        """Return it as a part of a sentence."""
        what = f"{self.resource.plural} {self.name}".strip()
        where = f"namespace {self.namespace}" if self.namespace else "all namespaces"
        return f"{what} of {where}"


class Page(NamedTuple):
    """A part of a list."""

    items: list[Manifest]
    version: str
    """That of the whole list: a watch from there on misses nothing."""


class Cluster(Protocol):
    """An API server."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read one object; None when it does not exist."""
        ...

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Read one object's metadata, and nothing of what may be large; None when it does not exist."""
        ...

    def pages(self, scope: Scope) -> AsyncIterator[Page]:
        """Read all objects of a scope, a few at a time."""
        ...

    def watch(self, scope: Scope, version: str) -> AsyncGenerator[Manifest]:
        """Tell what happens after a version of a list, as the API server's watch events; it may end at any time."""
        ...

    async def create(self, resource: Resource, namespace: str, manifest: Manifest) -> Manifest:
        """Create an object and return it as stored.

        Raises:
            AlreadyExistsError: there is one of that name.
            RefusedError: it is invalid or not admitted.
        """
        ...

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        """Delete this very object, after everything that it owns; nothing happens when it is gone already."""
        ...

    async def apply(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Apply an object on the server's side, as its only owner, and return it as stored.

        Raises:
            RefusedError: it is invalid or not admitted.
        """
        ...

    async def merge(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Change the fields of an object that the manifest names, and return it as stored.

        Raises:
            ConflictError: it is not of the manifest's resourceVersion any more.
        """
        ...

    async def merge_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Change the fields of a status that the manifest names, whoever wrote them, and return the object as stored.

        Raises:
            ConflictError: the object has another uid than the manifest.
        """
        ...

    async def apply_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        """Apply a status on the server's side, as its only owner, and return the object as stored."""
        ...
