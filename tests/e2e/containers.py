"""Kill a container's process without a word, as the kernel does when memory runs out."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from devcluster.containerd import CTR
from devcluster.kind import Kind
from devcluster.native import Native
from devcluster.settings import NAME

if TYPE_CHECKING:
    from demo.access import Access


def kill(access: Access, pod: str, container: str) -> None:
    """Send SIGKILL from outside: from inside, process 1 cannot be killed."""
    statuses = access.get("pod", pod)["status"]["containerStatuses"]
    identity = next(one["containerID"] for one in statuses if one["name"] == container).rpartition("/")[2]
    subprocess.run([*_ctr(access), "tasks", "kill", "--signal", "SIGKILL", identity], check=True, capture_output=True)


def _ctr(access: Access) -> tuple[str, ...]:
    match access.cluster:
        case Native():
            return CTR
        case Kind():
            return ("docker", "exec", f"{NAME}-control-plane", "ctr", "--namespace", "k8s.io")
        case _:
            pytest.skip("nobody can reach into the nodes of this cluster")
