"""The in-memory twin of the one seam to the cluster: enough of an API server to keep objects and to say no."""

import copy
from collections.abc import AsyncGenerator, AsyncIterator

from alembic_operator.core import names
from alembic_operator.core.manifests.merge import merge
from alembic_operator.core.observation.migrations import Migration, read_migration
from alembic_operator.core.observation.reading import Manifest, fields
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.cluster import MIGRATIONS, Page, Resource, Scope
from alembic_operator.kube.errors import AlreadyExistsError, ApiError, ConflictError, NotFoundError
from tests.unit.kube.objects import a_migration


class Twin:
    """A Cluster. `calls` tells what was asked of it; `answers` holds an error for a verb and a resource."""

    def __init__(self, *objects: tuple[Resource, Manifest]) -> None:
        self.objects: dict[tuple[Resource, str, str], Manifest] = {}
        self.calls: list[tuple[str, str]] = []
        self.looks: list[str] = []
        """What was read of ConfigMaps with the runner, which is not told in `calls`: their content or only metadata."""
        self.answers: dict[tuple[str, Resource], ApiError] = {}
        self.events: dict[tuple[Resource, str | None, str], list[Manifest]] = {}
        self._version = 100
        for resource, raw in objects:
            self.store(resource, raw)

    def store(self, resource: Resource, raw: Manifest) -> Manifest:
        """Keep an object under the next resourceVersion."""
        self._version += 1
        kept = copy.deepcopy(raw)
        kept["metadata"] |= {"resourceVersion": str(self._version)}
        kept["metadata"].setdefault("uid", f"uid-{self._version}")
        self.objects[resource, kept["metadata"]["namespace"], kept["metadata"]["name"]] = kept
        return copy.deepcopy(kept)

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        if name == names.RUNNER_CONFIG_MAP:
            self.looks.append("content")
        else:
            self._hear("get", resource)
        return copy.deepcopy(self.objects.get((resource, namespace, name)))

    async def get_metadata(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """Answer; it is not told in `calls`."""
        self.looks.append("metadata")
        found = self.objects.get((resource, namespace, name))
        return {"metadata": copy.deepcopy(found["metadata"])} if found else None

    async def pages(self, scope: Scope) -> AsyncIterator[Page]:
        self._hear("list", scope.resource)
        found = [raw async for raw in self.list(*scope[:3])]
        yield Page(found[:2], str(self._version))
        yield Page(found[2:], str(self._version))

    async def list(self, resource: Resource, namespace: str | None, selector: str = "") -> AsyncIterator[Manifest]:
        """Give what there is, as a test wants it; it is not told in `calls`."""
        wanted = dict(one.split("=") for one in selector.split(",") if one)
        for (kind, where, _), raw in list(self.objects.items()):
            labels = fields(raw, "metadata", "labels")
            if kind == resource and namespace in (None, where) and wanted.items() <= labels.items():
                yield copy.deepcopy(raw)

    async def watch(self, scope: Scope, version: str) -> AsyncGenerator[Manifest]:
        """Tell the events that a test has put there for this version, and end."""
        self._hear("watch", scope.resource)
        for event in self.events.pop((scope.resource, scope.namespace, version), ()):
            yield event

    async def create(self, resource: Resource, namespace: str, manifest: Manifest) -> Manifest:
        self._hear("create", resource)
        if (resource, namespace, manifest["metadata"]["name"]) in self.objects:
            raise AlreadyExistsError(409, "AlreadyExists", "there is one")
        return self.store(resource, manifest)

    async def delete(self, resource: Resource, namespace: str, name: str, uid: str) -> None:
        self._hear("delete", resource)
        found = self.objects.get((resource, namespace, name))
        if found and found["metadata"]["uid"] == uid:
            del self.objects[resource, namespace, name]

    async def apply(self, resource: Resource, manifest: Manifest) -> Manifest:
        self._hear("apply", resource)
        return self.store(resource, manifest)

    async def merge(self, resource: Resource, manifest: Manifest) -> Manifest:
        self._hear("merge", resource)
        metadata = manifest["metadata"]
        found = self.objects.get((resource, metadata["namespace"], metadata["name"]))
        if found is None:
            raise NotFoundError(404, "NotFound", "gone")
        if found["metadata"]["resourceVersion"] != metadata["resourceVersion"]:
            raise ConflictError(409, "Conflict", "it has changed")
        return self.store(resource, found | {"spec": found.get("spec", {}) | manifest["spec"]})

    async def merge_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        self._hear("merge", resource)
        metadata = manifest["metadata"]
        found = self.objects[resource, metadata["namespace"], metadata["name"]]
        return self.store(resource, found | {"status": merge(found["status"], manifest["status"])})

    async def apply_status(self, resource: Resource, manifest: Manifest) -> Manifest:
        self._hear("apply", resource)
        metadata = manifest["metadata"]
        found = self.objects.get((resource, metadata["namespace"], metadata["name"]))
        if found is None:
            raise NotFoundError(404, "NotFound", "gone")
        return self.store(resource, found | {"status": manifest["status"]})

    def _hear(self, verb: str, resource: Resource) -> None:
        self.calls.append((verb, resource.plural))
        if error := self.answers.get((verb, resource)):
            error.asked = f"{'patch' if verb == 'apply' else verb} {resource.plural}"
            raise error


def a_known_migration(cluster: Twin, cache: Cache) -> Migration:
    """Store migration users, let the watch tell of it, and return it as it is read."""
    raw = cluster.store(MIGRATIONS, a_migration())
    cache.put(MIGRATIONS, raw)
    return read_migration(raw)
