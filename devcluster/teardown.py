"""Remove a native node without a trace: processes, mounts, network, control groups, files; only the logs stay."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster import cgroups, containerd, folder, kernelsettings, mounts, network, owner

if TYPE_CHECKING:
    from devcluster.processes import Processes
    from devcluster.settings import Settings

STOP_ORDER = {
    "provisioner": 1,
    "kubelet": 2,
    "kube-proxy": 1,
    "kube-scheduler": 0,
    "kube-controller-manager": 0,
    "coredns": 0,
    "kube-apiserver": 0,
    "etcd": 0,
    "containerd": 1,
}
"""Programs and their seconds of grace; the kubelet goes early, because it would restart what is stopped next."""
KUBELET = Path("/var/lib/kubelet")
"""The kubelet puts its device sockets there, wherever its own folder is."""
LOG_LINKS = Path("/var/log/containers")


def remove_everything(settings: Settings, processes: Processes) -> None:
    """Remove all that a node leaves, whether it runs, was half started, or was killed."""
    for name, grace in STOP_ORDER.items():
        if name == "containerd":
            cgroups.kill()
            containerd.kill_shims()
        processes.stop(name, grace)
    mounts.detach(settings.state, settings.cache, containerd.RUN)
    network.down()
    cgroups.remove()
    containerd.remove_traces()
    kernelsettings.restore(settings.state / "sysctl.json")
    _remove_files(settings)


def _remove_files(settings: Settings) -> None:
    mounts.delete(containerd.RUN)
    owner.MARK.unlink(missing_ok=True)
    for link in folder.entries(LOG_LINKS, "*.log"):
        with contextlib.suppress(OSError):  # no link, or removed by the kubelet that it belongs to
            if link.readlink().is_relative_to(settings.logs):
                link.unlink()
    for path in folder.entries(KUBELET / "device-plugins", "kubelet*"):
        path.unlink(missing_ok=True)
    for shared in (KUBELET / "device-plugins", KUBELET, LOG_LINKS):
        with contextlib.suppress(OSError):
            shared.rmdir()
    for entry in folder.entries(settings.state):
        if entry.is_dir() and entry != settings.logs:
            mounts.delete(entry)
        elif not entry.is_dir():
            entry.unlink(missing_ok=True)
