"""A node in a container of a Docker engine, by the `kind` of PATH or of our Go module.

The machines on which this project is developed have no Docker engine: this module is not run there.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import binaries, docker, lock
from devcluster.baseimages import ELSEWHERE
from devcluster.commands import output, show, succeeds
from devcluster.settings import NAME

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devcluster.recipe import Recipe
    from devcluster.settings import Settings

CLIENTS = ("kubectl", "helm")


@dataclass(frozen=True)
class Kind:
    """The kind cluster of this project."""

    settings: Settings

    @property
    def kubeconfig(self) -> Path:
        """Give access without touching the user's own kubeconfig."""
        return self.settings.kubeconfig

    def up(self) -> None:
        """Create the cluster, wait until it is ready, bring the base images."""
        binaries.ensure(self.settings, CLIENTS)
        with lock.held(self.settings.lock):
            if not self._exists():
                self._create()

    def down(self) -> None:
        """Delete the cluster."""
        show([*self._kind("delete", "cluster"), f"--kubeconfig={self.kubeconfig}"])

    def status(self) -> bool:
        """Ask the node."""
        ready = self._exists() and succeeds(
            [*self._kubectl(), "wait", "--for=condition=Ready", "node", "--all", "--timeout=1s"]
        )
        print(f"kind        {NAME}\nnode        {'Ready' if ready else 'not ready'}\nkubeconfig  {self.kubeconfig}")
        print("logs        kind export logs --name " + NAME)
        return ready

    def build_image(self, recipe: Recipe) -> str:
        """Build with Docker, which has its own cache, and copy the image to the node."""
        docker.build(recipe)
        self.load([recipe.reference])
        return recipe.reference

    def load(self, images: Sequence[str]) -> None:
        """Copy images of the Docker engine to the node."""
        show([*self._kind("load", "docker-image"), *images])

    def reference(self, image: str) -> str:
        """Return the name unchanged: base images have it too."""
        return image

    def _create(self) -> None:
        self.settings.state.mkdir(parents=True, exist_ok=True)
        show([*self._kind("create", "cluster"), f"--kubeconfig={self.kubeconfig}", "--wait=120s"])
        for reference, source in ELSEWHERE.items():
            docker.pull(source)
            docker.tag(source, reference)
        self.load(list(ELSEWHERE))

    def _exists(self) -> bool:
        return NAME in output([self._program(), "get", "clusters"]).split()

    def _kind(self, *command: str) -> list[str]:
        return [self._program(), *command, "--name", NAME]

    def _kubectl(self) -> list[str]:
        return [str(binaries.path(self.settings, "kubectl")), f"--kubeconfig={self.kubeconfig}"]

    def _program(self) -> str:
        installed = shutil.which("kind")
        if installed:
            return installed
        binaries.ensure(self.settings, ["kind"])
        return str(binaries.path(self.settings, "kind"))
