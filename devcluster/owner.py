"""One native node a machine: its network and control groups have one name, which a second one would take away."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from devcluster.failure import FailureError
from devcluster.processes import Processes

if TYPE_CHECKING:
    from devcluster.settings import Settings

MARK = Path("/run/alembic-operator.owner")


def claim(settings: Settings) -> None:
    """Note whose node this machine's is."""
    MARK.write_text(str(settings.state))


def demand(settings: Settings, mark: Path = MARK) -> None:
    """Refuse to go on beside a node of another state folder that still runs.

    Raises:
        FailureError: there is one; the message says how to stop it.
    """
    owner = _owner(mark) or settings.state
    processes = Processes(owner / "pids", owner / "logs")
    if owner != settings.state and any(processes.is_running(name) for name in processes.names()):
        state_home = owner.parents[1]
        raise FailureError(
            f"another native node runs on this machine, with its state in {owner}; "
            f"stop it first: XDG_STATE_HOME={state_home} python3 -m devcluster down"
        )


def _owner(mark: Path) -> Path | None:
    """Return the state folder of the node of this machine; whoever takes it down removes the mark."""
    try:
        return Path(mark.read_text())
    except FileNotFoundError:
        return None
