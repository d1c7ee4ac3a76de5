"""Keep the runner in a ConfigMap of every namespace that needs it."""

import base64
import hashlib

from alembic_operator.core import names
from alembic_operator.core.observation import Manifest
from alembic_operator.kube.cluster import CONFIG_MAPS, Cluster


class Archive:
    """This operator's runner, and the namespaces that are known to have it."""

    def __init__(self, content: bytes) -> None:
        """Take the bytes of the zipapp; at most 1 MiB, less what the ConfigMap needs itself."""
        self._content = base64.b64encode(content).decode()
        self._digest = hashlib.sha256(content).hexdigest()
        self._there: set[str] = set()

    async def is_in(self, namespace: str, cluster: Cluster, *, for_sure: bool = False) -> bool:
        """Return whether a namespace has this very runner; asked once, or each time it must be `for_sure`."""
        if for_sure or namespace not in self._there:
            found = await cluster.get_metadata(CONFIG_MAPS, namespace, names.RUNNER_CONFIG_MAP) or {}
            annotations = (found.get("metadata") or {}).get("annotations") or {}
            if annotations.get(names.RUNNER_DIGEST) != self._digest:
                return False
            self._there.add(namespace)
        return True

    async def bring(self, namespace: str, cluster: Cluster) -> None:
        """Write it.

        Raises:
            RefusedError: the API server does not take it.
        """
        await cluster.apply(CONFIG_MAPS, self.manifest(namespace))
        self._there.add(namespace)

    def forget(self) -> None:
        """Ask every namespace again: somebody may have deleted it."""
        self._there.clear()

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
