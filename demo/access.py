"""Reach the demo's cluster: kubectl and helm with the right kubeconfig, and nothing of this shell's own settings."""

from __future__ import annotations

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.expectation import UnmetError
from devcluster import binaries, settings
from devcluster.cluster import Cluster, connect

NAMESPACE = "shop"
MANIFESTS = Path(__file__).parent / "manifests"
SHOWN_LINES = 15
IMAGE = re.compile(r"localhost/[\w./-]+:[\w.-]+")


@dataclass(frozen=True)
class Access:
    """One cluster with its command line tools."""

    cluster: Cluster
    kubectl_path: Path
    helm_path: Path

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl in the demo's namespace and return what it prints."""
        words = [str(self.kubectl_path), f"--kubeconfig={self.cluster.kubeconfig}", f"--namespace={NAMESPACE}"]
        return _run([*words, *arguments], stdin)

    def helm(self, *arguments: str) -> str:
        """Run helm and return what it prints."""
        return _run([str(self.helm_path), f"--kubeconfig={self.cluster.kubeconfig}", *arguments], None)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Return objects, as `kubectl get` has them."""
        found: dict[str, Any] = json.loads(self.kubectl("get", "--output=json", *arguments))
        return found

    def apply(self, name: str) -> None:
        """Apply one of the demo's manifests, with the names that images have on this cluster."""
        text = (MANIFESTS / name).read_text()
        here = IMAGE.sub(lambda found: self.cluster.reference(found[0]), text)
        self.kubectl("apply", "--filename=-", stdin=here)


def access() -> Access:
    """Find the cluster that devcluster uses."""
    where = settings.from_environment(os.environ)
    return Access(connect(os.environ, where), binaries.path(where, "kubectl"), binaries.path(where, "helm"))


def _run(command: list[str], stdin: str | None) -> str:
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join((done.stderr or done.stdout).strip().splitlines()[-SHOWN_LINES:])
        raise UnmetError(f"{Path(command[0]).name} {' '.join(command[3:])} failed:\n{last}")
    return done.stdout
