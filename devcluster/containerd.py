"""A containerd of our own: its socket, its folders, its shims, apart from any other on the machine."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster import folder, textfile
from devcluster.commands import output, succeeds
from devcluster.network import BRIDGE, POD_ADDRESSES
from devcluster.processes import PROC, Program
from devcluster.recipe import KEY_LABEL

if TYPE_CHECKING:
    from devcluster.settings import Settings

RUN = Path("/run/alembic-operator")
SOCKET = RUN / "containerd.sock"
CTR = ("ctr", "--address", str(SOCKET), "--namespace", "k8s.io")
CNI_RESULTS = Path("/var/lib/cni/results")
PAUSE_IMAGE = "localhost/pause:1"

# opt would create /opt/containerd, nri a socket under /var/run. Without restrict_oom_score_adj no sandbox starts where
# root lacks CAP_SYS_RESOURCE ("can't get final child's PID from pipe").
CONFIG = """
version = 2
root = "{root}"
state = "{run}/containerd"
disabled_plugins = ["io.containerd.internal.v1.opt", "io.containerd.nri.v1.nri"]
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      Root = "{run}/runc"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{cni}"
"""


@dataclass(frozen=True)
class Containerd:
    """The container runtime of the node."""

    settings: Settings

    def program(self) -> Program:
        """Write the configuration and say how to start it; images survive in the cache."""
        own = self.settings.state / "containerd"
        cni = own / "cni"
        cni.mkdir(parents=True, exist_ok=True)
        textfile.write(cni / "10-pods.conflist", json.dumps(self._network()))
        root = self.settings.cache / "containerd"
        content = CONFIG.format(root=root, run=RUN, socket=SOCKET, pause=PAUSE_IMAGE, cni=cni)
        config = textfile.write(own / "config.toml", content)
        return Program("containerd", ("containerd", "--config", str(config)), inputs=(config,))

    def is_ready(self) -> bool:
        """Tell whether it answers and has its CRI plugin."""
        return SOCKET.exists() and succeeds([*CTR, "images", "list", "--quiet"])

    def forget_containers(self) -> None:
        """Remove what a cluster that is gone has left in the image store."""
        containers = output([*CTR, "containers", "list", "--quiet"]).split()
        if containers:
            output([*CTR, "containers", "delete", *containers])

    def has_image(self, reference: str, key: str = "") -> bool:
        """Tell whether the node has the image, built from exactly these inputs when a key is given."""
        with_key = f',labels."{KEY_LABEL}"=={key}' if key else ""
        return bool(output([*CTR, "images", "list", "--quiet", f"name=={reference}{with_key}"]).strip())

    def load(self, archive: Path, reference: str, key: str) -> None:
        """Import one image and write its key beside it."""
        self.load_archive(archive)
        output([*CTR, "images", "label", reference, f"{KEY_LABEL}={key}"])

    def load_archive(self, archive: Path) -> None:
        """Import the images of an archive under the names that they have there."""
        output([*CTR, "images", "import", archive])
        self._drop_replaced()

    def _drop_replaced(self) -> None:
        """Forget images that lost their name to a newer one; containers that run from them go on."""
        lines = output([*CTR, "images", "list"]).splitlines()[1:]
        stale = without_name({line.split()[0]: line.split()[2] for line in lines})
        if stale:
            output([*CTR, "images", "delete", *stale])

    def _network(self) -> dict[str, object]:
        """Describe the bridge for the CNI plugins of Debian."""
        ipam = {
            "type": "host-local",
            "ranges": [[{"subnet": POD_ADDRESSES}]],
            "routes": [{"dst": "0.0.0.0/0"}],
            "dataDir": str(RUN / "addresses"),
        }
        bridge = {"type": "bridge", "bridge": BRIDGE, "isGateway": True, "ipMasq": False, "hairpinMode": True}
        return {"cniVersion": "1.0.0", "name": BRIDGE, "plugins": [{**bridge, "ipam": ipam}]}


def without_name(images: dict[str, str]) -> list[str]:
    """Choose from names and digests what is known by its digest alone."""
    named = {digest for name, digest in images.items() if not name.startswith("sha256:")}
    return sorted(name for name, digest in images.items() if digest not in named)


def kill_shims() -> None:
    """Kill the shims that belong to our socket; they outlive containerd by design."""
    for shim in _shims():
        with contextlib.suppress(ProcessLookupError):
            os.kill(shim, signal.SIGKILL)


def remove_traces() -> None:
    """Remove the sockets of killed shims and what CNI remembers of our pods, in folders shared with others."""
    for namespace in folder.entries(RUN / "containerd" / "io.containerd.runtime.v2.task"):
        for task in folder.entries(namespace):
            _remove_socket(task / "address")
            for result in folder.entries(CNI_RESULTS, f"*-{task.name}-*"):
                result.unlink(missing_ok=True)
    for shared in ("/run/containerd/s", "/run/containerd", CNI_RESULTS, CNI_RESULTS.parent):
        with contextlib.suppress(OSError):
            Path(shared).rmdir()


def _remove_socket(address: Path) -> None:
    with contextlib.suppress(OSError):
        Path(address.read_text().removeprefix("unix://")).unlink()


def _shims() -> list[int]:
    found = []
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if "shim" in words[0] and str(SOCKET) in words:
                    found.append(int(entry.name))
    return found
