"""What only the node can do: kill a process without a word, and give an image another name."""

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
    status = access.get("pod", pod)["status"]
    containers = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
    identity = next(one["containerID"] for one in containers if one["name"] == container).rpartition("/")[2]
    subprocess.run([*_ctr(access), "tasks", "kill", "--signal", "SIGKILL", identity], check=True, capture_output=True)


def kill_sandbox(access: Access, pod: str) -> None:
    """Kill what all containers of a pod live in: the kubelet makes the pod anew, as after a restart of its node."""
    uid = access.get("pod", pod)["metadata"]["uid"]
    wanted = f'labels."io.kubernetes.pod.uid"=={uid},labels."io.cri-containerd.kind"==sandbox'
    identity = subprocess.check_output([*_ctr(access), "containers", "list", "--quiet", wanted], text=True).split()[0]
    subprocess.run([*_ctr(access), "tasks", "kill", "--signal", "SIGKILL", identity], check=True, capture_output=True)


def by_digest(access: Access, reference: str) -> str:
    """Let the node know an image by its digest too, as one that came from a registry; return that name."""
    lines = subprocess.check_output([*_ctr(access), "images", "list", f"name=={reference}"], text=True).splitlines()
    name = f"{reference.rpartition(':')[0]}@{lines[1].split()[2]}"
    subprocess.run([*_ctr(access), "images", "tag", "--force", reference, name], check=True, capture_output=True)
    return name


def _ctr(access: Access) -> tuple[str, ...]:
    match access.cluster:
        case Native():
            return CTR
        case Kind():
            return ("docker", "exec", f"{NAME}-control-plane", "ctr", "--namespace", "k8s.io")
        case _:
            pytest.skip("nobody can reach into the nodes of this cluster")
