"""What only the node can do: kill a process without a word, let packets not arrive, give an image another name."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from devcluster.containerd import CTR
from devcluster.kind import Kind
from devcluster.native import Native
from devcluster.settings import NAME

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.access import Access

_BARRIER = """
table inet barrier {{
  counter arrived {{ }}
  chain arriving {{ type filter hook input priority 0; tcp dport {{ {ports} }} counter name arrived {verdict}; }}
}}
"""


def kill(access: Access, pod: str, container: str) -> None:
    """Send SIGKILL from outside: from inside, process 1 cannot be killed."""
    identity = _identity(access, pod, container)
    subprocess.run([*_ctr(access), "tasks", "kill", "--signal", "SIGKILL", identity], check=True, capture_output=True)


@dataclass(frozen=True)
class Barrier:
    """Lets no packet for these ports into the network of a pod, as a NetworkPolicy would; it ends with the pod."""

    _within: tuple[str, ...]

    def arrived(self) -> int:
        """Count the packets that came and got no further."""
        told = subprocess.check_output(
            [*self._within, "nft", "--json", "list", "counter", "inet", "barrier", "arrived"]
        )
        return int(next(one["counter"]["packets"] for one in json.loads(told)["nftables"] if "counter" in one))


def bar(access: Access, pod: str, container: str, ports: Iterable[int], verdict: str) -> Barrier:
    """Let nothing in for these TCP ports: `drop` it, or `reject` it, which the sender hears of."""
    lines = subprocess.check_output([*_ctr(access), "tasks", "list"], text=True).splitlines()
    identity = _identity(access, pod, container)
    process = next(line.split()[1] for line in lines if line.startswith(identity))
    barrier = Barrier((*_node(access), "nsenter", f"--net=/proc/{process}/ns/net"))
    rules = _BARRIER.format(ports=", ".join(map(str, ports)), verdict=verdict)
    subprocess.run([*barrier._within, "nft", rules], check=True, capture_output=True)
    return barrier


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


def _identity(access: Access, pod: str, container: str) -> str:
    status = access.get("pod", pod)["status"]
    containers = [*status.get("initContainerStatuses", ()), *status["containerStatuses"]]
    return str(next(one["containerID"] for one in containers if one["name"] == container).rpartition("/")[2])


def _node(access: Access) -> tuple[str, ...]:
    return ("docker", "exec", f"{NAME}-control-plane") if isinstance(access.cluster, Kind) else ()


def _ctr(access: Access) -> tuple[str, ...]:
    match access.cluster:
        case Native():
            return CTR
        case Kind():
            return (*_node(access), "ctr", "--namespace", "k8s.io")
        case _:
            pytest.skip("nobody can reach into the nodes of this cluster")
