"""Keep the runner in a ConfigMap of every namespace that needs it, and nothing else in there."""

import base64
import hashlib

from alembic_operator.core import names
from alembic_operator.core.observation.reading import Manifest, fields, items, text
from alembic_operator.kube.cache import Cache, Reference, version
from alembic_operator.kube.cluster import CONFIG_MAPS, Cluster

_CONTENT = ("data", "binaryData", "immutable")


class RunnerConfigMap:
    """This operator's runner, and where it is."""

    def __init__(self, content: bytes, cache: Cache) -> None:
        """Take the bytes of the zipapp; at most 1 MiB, less what the ConfigMap needs itself."""
        self._content = base64.b64encode(content).decode()
        self._digest = hashlib.sha256(content).hexdigest()
        self._cache = cache
        self._verified: dict[str, int] = {}
        """By namespace: the version at which its content was read and found right."""
        self._suspected: dict[str, int] = {}
        """By namespace: the last version with content of somebody else's."""
        self._news: dict[str, str] = {}

    async def is_in(self, namespace: str, cluster: Cluster) -> bool:
        """Return whether a namespace has this very runner."""
        if await self._is_unchanged(namespace, cluster):
            return True
        found = await self._read(namespace, cluster)
        return found is not None and self._is_ours(found)

    async def bring(self, namespace: str, cluster: Cluster) -> None:
        """See that it is there, and write it if it is not.

        Raises:
            RefusedError: the API server does not take it.
        """
        if await self._is_unchanged(namespace, cluster):
            return
        found = await self._read(namespace, cluster)
        if found and self._is_ours(found):
            return
        if found and (found.get("immutable") or _strays(found)):  # which an apply would leave there
            await cluster.delete(CONFIG_MAPS, namespace, names.RUNNER_CONFIG_MAP, found["metadata"]["uid"])
        self._note(namespace, await cluster.apply(CONFIG_MAPS, self.manifest(namespace)))

    def news(self, namespace: str) -> str:
        """Return, once, who had put something else in the runner's place."""
        return self._news.pop(namespace, "")

    def manifest(self, namespace: str) -> Manifest:
        """Return the ConfigMap of a namespace."""
        return {
            "apiVersion": CONFIG_MAPS.api_version,
            "kind": "ConfigMap",
            "metadata": {
                "name": names.RUNNER_CONFIG_MAP,
                "namespace": namespace,
                "labels": {names.MANAGED_BY: names.OPERATOR},
                "annotations": {names.RUNNER_DIGEST: self._digest},
            },
            "binaryData": {names.RUNNER_KEY: self._content},
        }

    async def _is_unchanged(self, namespace: str, cluster: Cluster) -> bool:
        """Return whether it is as it was found right: its content is not read again until a watch tells of a change."""
        known = self._verified.get(namespace)
        return known is not None and await self._version(namespace, cluster) == known

    async def _read(self, namespace: str, cluster: Cluster) -> Manifest | None:
        """Return what is there, and note what to think of it."""
        was_right = namespace in self._verified
        found = await cluster.get(CONFIG_MAPS, namespace, names.RUNNER_CONFIG_MAP)
        if found and not self._is_ours(found) and (was_right or not _is_another_version(found)):
            self._suspect(namespace, found)
        self._note(namespace, found)
        return found

    async def _version(self, namespace: str, cluster: Cluster) -> int | None:
        if self._cache.is_readable(CONFIG_MAPS, namespace):
            return self._cache.version(Reference(CONFIG_MAPS, namespace, names.RUNNER_CONFIG_MAP))
        found = await cluster.get_metadata(CONFIG_MAPS, namespace, names.RUNNER_CONFIG_MAP)
        return version(found) if found else None

    def _suspect(self, namespace: str, found: Manifest) -> None:
        seen = version(found)
        if seen != self._suspected.get(namespace):
            self._suspected[namespace] = seen
            self._news[namespace] = (
                f"ConfigMap {names.RUNNER_CONFIG_MAP} {_written_by(found)}: it gets the operator's runner again; pods"
                " that began in between may have run the other content, with the database's password: see who wrote it"
            )

    def _note(self, namespace: str, found: Manifest | None) -> None:
        self._verified.pop(namespace, None)
        if found and self._is_ours(found):
            self._cache.put(CONFIG_MAPS, found)
            self._verified[namespace] = version(found)

    def _is_ours(self, found: Manifest) -> bool:
        """Return whether it holds this runner and nothing beside it, whatever its annotation says."""
        return not found.get("data") and found.get("binaryData") == {names.RUNNER_KEY: self._content}


def _strays(found: Manifest) -> bool:
    return bool(found.get("data")) or bool(set(found.get("binaryData") or ()) - {names.RUNNER_KEY})


def _is_another_version(found: Manifest) -> bool:
    """Return whether it is what another version of the operator leaves: a runner, and its right digest."""
    content = base64.b64decode((found.get("binaryData") or {}).get(names.RUNNER_KEY, ""))
    said = (found["metadata"].get("annotations") or {}).get(names.RUNNER_DIGEST)
    return not _strays(found) and said == hashlib.sha256(content).hexdigest()


def _written_by(found: Manifest) -> str:
    """Return who wrote its content last, in the words of the API server's own record."""
    content = {f"f:{name}" for name in _CONTENT}
    managers = items(found, "metadata", "managedFields")
    last: Manifest = max(
        (one for one in managers if content & set(fields(one, "fieldsV1"))),
        key=lambda one: text(one, "time"),
        default={},
    )
    by = text(last, "manager") or "somebody unknown"
    return f"was written by {by} ({text(last, 'operation')}, {text(last, 'time')})"
