"""Where the cluster keeps its state and its cache, both outside the checkout."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "alembic-operator"
PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Settings:
    """The folders of one user's cluster, and what is built into them."""

    state: Path
    """What lives while the cluster is up; `down` empties it, all but the logs."""
    cache: Path
    """What survives `down`: binaries, base images, the image store of the node."""
    kubernetes: str = ""
    """The version of the control plane that tests start, such as `1.35.4`; empty: that of the cluster."""

    @property
    def logs(self) -> Path:
        """Hold one log per program."""
        return self.state / "logs"

    @property
    def kubeconfig(self) -> Path:
        """Give an administrator's access to the cluster."""
        return self.state / "admin.kubeconfig"

    @property
    def lock(self) -> Path:
        """Stand beside the state, so that `down` may delete the state while it holds the lock."""
        return self.state.with_suffix(".lock")


def from_environment(environment: Mapping[str, str]) -> Settings:
    """Follow the XDG variables, as other programs do, and KUBERNETES."""
    home = Path(environment.get("HOME") or Path.home())
    state = Path(environment.get("XDG_STATE_HOME") or home / ".local" / "state")
    cache = Path(environment.get("XDG_CACHE_HOME") or home / ".cache")
    return Settings(state / NAME / "cluster", cache / NAME, environment.get("KUBERNETES", ""))
