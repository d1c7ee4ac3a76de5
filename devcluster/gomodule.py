"""Read what the Go modules under tools/ pin; they are the one place where versions are written."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster.failure import FailureError
from devcluster.settings import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = PACKAGE / "tools"
KUBERNETES_MODULE = "k8s.io/kubernetes"
FINGERPRINT_LENGTH = 12
FILES = ("go.mod", "go.sum")


@dataclass(frozen=True)
class GoModule:
    """A folder with a go.mod and a go.sum."""

    folder: Path

    def version(self, path: str) -> str:
        """Return the version that is required of a module, such as `v1.36.3`."""
        return self._first(rf"^(?:require)?\s+{re.escape(path)} (v\S+)", path)

    def tools(self) -> frozenset[str]:
        """Return the packages that are built from the module."""
        return frozenset(self._first(r"^tool \(([^)]*)\)", "tools").split())

    def go_version(self) -> tuple[int, ...]:
        """Return the oldest Go that builds the module."""
        return tuple(int(part) for part in self._first(r"^go (\d+(?:\.\d+)*)$", "go").split("."))

    def fingerprint(self, *more: str) -> str:
        """Change with every version in the module, and with the words given."""
        digest = hashlib.sha256()
        for name in FILES:
            digest.update((self.folder / name).read_bytes())
        digest.update("\0".join(more).encode())
        return digest.hexdigest()[:FINGERPRINT_LENGTH]

    def _first(self, pattern: str, subject: str) -> str:
        found = re.search(pattern, (self.folder / "go.mod").read_text(), re.MULTILINE)
        if not found:
            raise FailureError(f"{self.folder / 'go.mod'} does not pin {subject}")
        return found[1]


KUBERNETES = GoModule(TOOLS)
ADDONS = GoModule(TOOLS / "addons")
OTHERS = TOOLS / "other"
"""Holds a folder for each version of Kubernetes besides that of the cluster: what a control plane for tests needs."""


def kubernetes(version: str) -> GoModule:
    """Return the module of a version such as `1.35.4`; empty: that of the cluster.

    Raises:
        FailureError: there is no module of that version; the message lists those there are.
    """
    cluster = KUBERNETES.version(KUBERNETES_MODULE).removeprefix("v")
    known = {found.parent.name: GoModule(found.parent) for found in OTHERS.glob("*/go.mod")} | {cluster: KUBERNETES}
    wanted = version.removeprefix("v") or cluster
    if wanted not in known:
        raise FailureError(
            f"KUBERNETES={version}: must be one of {', '.join(sorted(known))}; "
            f"to add it, run: make kubernetes-module KUBERNETES={wanted}"
        )
    return known[wanted]
