"""Reach the demo's cluster: kubectl and helm with the right kubeconfig, and nothing of this shell's own settings."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.commands import run
from devcluster import binaries, settings
from devcluster.cluster import Cluster, connect

NAMESPACE = "shop"
MANIFESTS = Path(__file__).parent / "manifests"
IMAGE = re.compile(r"localhost/[\w./-]+:[\w.-]+")


@dataclass(frozen=True)
class Access:
    """One cluster with its command line tools."""

    cluster: Cluster
    kubectl_path: Path
    helm_path: Path
    namespace: str = NAMESPACE

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the namespace and return what it prints."""
        words = [str(self.kubectl_path), f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={self.namespace}"]
        return run([*words, *arguments], stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm and return what it prints."""
        return run([str(self.helm_path), f"--kubeconfig={self.cluster.kubeconfig}", *arguments], None)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return objects, as `kubectl get` has them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "--output=json", *arguments))
        return found

    def apply(self, name: str) -> None:
        """Apply one of the demo's manifests."""
        self.apply_text((MANIFESTS / name).read_text())

    def apply_text(self, text: str) -> None:
        """Apply manifests, with the names that images have on this cluster."""
        here = IMAGE.sub(lambda found: self.cluster.reference(found[0]), text)
        self.kubectl("apply", "--filename=-", stdin=here)


def cluster() -> Cluster:
    """Choose the cluster as devcluster does."""
    return connect(os.environ, settings.from_environment(os.environ))


def access(namespace: str = NAMESPACE) -> Access:
    """Reach that cluster, which must be up."""
    where = settings.from_environment(os.environ)
    return Access(cluster(), binaries.path(where, "kubectl"), binaries.path(where, "helm"), namespace)
