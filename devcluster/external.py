"""The cluster that KUBECONFIG names: used as it is, with images through a registry that it can reach.

Such a cluster does not exist on the machines where this project is developed: this module is not run there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import binaries, docker
from devcluster.baseimages import ELSEWHERE
from devcluster.commands import succeeds
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from devcluster.recipe import Recipe
    from devcluster.settings import Settings

CLIENTS = ("kubectl", "helm")


@dataclass(frozen=True)
class External:
    """Somebody else's cluster."""

    settings: Settings
    kubeconfig: Path
    registry: str
    """Where images are pushed, such as `registry.example/team`; empty: nowhere."""

    def up(self) -> None:
        """Start nothing; check that it answers."""
        binaries.ensure(self.settings, CLIENTS)
        if not self.status():
            raise FailureError(f"the cluster of {self.kubeconfig} does not answer")

    def down(self) -> None:
        """Leave it alone."""
        print(f"the cluster of {self.kubeconfig} is not ours; nothing was stopped")

    def status(self) -> bool:
        """Ask for its readiness."""
        kubectl = binaries.path(self.settings, "kubectl")
        ready = succeeds([kubectl, f"--kubeconfig={self.kubeconfig}", "get", "--raw=/readyz"])
        print(f"kind        external\napi         {'Ready' if ready else 'not ready'}\nkubeconfig  {self.kubeconfig}")
        return ready

    def build_image(self, recipe: Recipe) -> str:
        """Build with Docker and push."""
        target = self.reference(recipe.reference)
        docker.build(recipe)
        docker.tag(recipe.reference, target)
        docker.push(target)
        return target

    def load(self, images: Sequence[str]) -> None:
        """Push images of the Docker engine."""
        for image in images:
            docker.tag(image, self.reference(image))
            docker.push(self.reference(image))

    def reference(self, image: str) -> str:
        """Name the image in the registry; base images come from where everybody has them."""
        if image in ELSEWHERE:
            return ELSEWHERE[image]
        if not self.registry:
            raise FailureError(
                "this cluster pulls images from a registry: set IMAGE_REGISTRY to one that it can reach and that "
                "`docker push` may write to, such as IMAGE_REGISTRY=registry.example/team"
            )
        return f"{self.registry.rstrip('/')}/{image.removeprefix('localhost/')}"
