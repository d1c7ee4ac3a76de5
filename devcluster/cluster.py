"""What every kind of cluster offers, and which kind is used."""

from __future__ import annotations

import shutil
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, assert_never

from devcluster.commands import succeeds
from devcluster.external import External
from devcluster.failure import FailureError
from devcluster.kind import Kind
from devcluster.native import Native

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from devcluster.recipe import Recipe
    from devcluster.settings import Settings


class Choice(Enum):
    """The kinds of clusters."""

    EXTERNAL = "external"
    """The cluster that KUBECONFIG names; it is used and never changed."""
    KIND = "kind"
    """A node in a container of this machine's Docker engine."""
    NATIVE = "native"
    """A node made of this machine's own processes."""


class Cluster(Protocol):
    """One cluster, whatever it is made of."""

    @property
    def kubeconfig(self) -> Path:
        """Give an administrator's access to it."""

    def up(self) -> None:
        """Make it ready; what runs already is left alone."""

    def down(self) -> None:
        """Remove it without a trace."""

    def status(self) -> bool:
        """Print what runs and what does not; tell whether the cluster is ready."""

    def build_image(self, recipe: Recipe) -> str:
        """Build an image where the cluster's pods can use it; return the name they use."""

    def load(self, images: Sequence[str]) -> None:
        """Bring images that were built here to the cluster."""

    def reference(self, image: str) -> str:
        """Return the name by which pods of this cluster use an image `localhost/NAME:TAG`."""


def choose(environment: Mapping[str, str], own: Path, docker_works: Callable[[], bool]) -> Choice:
    """Follow DEVCLUSTER, else a KUBECONFIG that is not our own, else a Docker engine that answers, else be native."""
    if forced := environment.get("DEVCLUSTER"):
        try:
            return Choice(forced)
        except ValueError:
            known = ", ".join(choice.value for choice in Choice)
            raise FailureError(f"DEVCLUSTER={forced}: must be one of {known}") from None
    if environment.get("KUBECONFIG", str(own)) not in {"", str(own)}:
        return Choice.EXTERNAL
    return Choice.KIND if docker_works() else Choice.NATIVE


def docker_engine_answers() -> bool:
    """Ask the engine itself: a machine may have the client alone."""
    return shutil.which("docker") is not None and succeeds(["docker", "info"])


def connect(environment: Mapping[str, str], settings: Settings) -> Cluster:
    """Return the cluster to use."""
    match choose(environment, settings.kubeconfig, docker_engine_answers):
        case Choice.EXTERNAL:
            return External(settings, _given(environment), environment.get("IMAGE_REGISTRY", ""))
        case Choice.KIND:
            return Kind(settings)
        case Choice.NATIVE:
            return Native(settings)
        case never:
            assert_never(never)


def _given(environment: Mapping[str, str]) -> Path:
    if not environment.get("KUBECONFIG"):
        raise FailureError("DEVCLUSTER=external needs KUBECONFIG")
    return Path(environment["KUBECONFIG"])
