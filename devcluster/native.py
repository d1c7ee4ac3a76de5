"""A whole node made of this machine's own processes: start it, heal it, say how it is."""

from __future__ import annotations

import os
import shutil
import socket
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster import (
    apiclient,
    binaries,
    cgroups,
    components,
    kernelsettings,
    lock,
    manifests,
    network,
    owner,
    prerequisites,
)
from devcluster.components import FIRST_SERVICE_ADDRESS, ControlPlane, Ports
from devcluster.containerd import Containerd
from devcluster.controlplane import LOOPBACK
from devcluster.failure import FailureError
from devcluster.network import NODE_ADDRESS
from devcluster.node import NAME, SUBJECTS, Node
from devcluster.nodeimages import NodeImages
from devcluster.processes import Processes
from devcluster.teardown import STOP_ORDER, remove_everything

if TYPE_CHECKING:
    from collections.abc import Sequence

    from devcluster.apiclient import Api
    from devcluster.recipe import Recipe
    from devcluster.settings import Settings

PORTS = Ports(etcd=12379, etcd_peer=12380, api=6443)
DNS_PORT, HTTPS_PORT, KUBELET_HEALTH_PORT = 53, 443, 10248
BOOT = Path("/proc/sys/kernel/random/boot_id")
ACCOUNT = "/api/v1/namespaces/default/serviceaccounts/default"
KUBECONFIGS = ("admin", "controller-manager", "scheduler", "node", "proxy", "coredns", "provisioner")


@dataclass(frozen=True)
class Native:
    """The node of this project."""

    settings: Settings

    @property
    def kubeconfig(self) -> Path:
        """Give an administrator's access."""
        return self.settings.kubeconfig

    def up(self) -> None:
        """Start what does not run; return when a pod could be created and would find everything it needs."""
        prerequisites.ensure()
        binaries.ensure(self.settings)
        with lock.held(self.settings.lock):
            begun = time.monotonic()
            owner.demand(self.settings)
            is_new = self._begin()
            self._prepare()
            self._start_stores(is_new)
            self._start_clients()
            self._wait()
        self.status()
        print(f"{'after':<24}{time.monotonic() - begun:.1f} s", flush=True)

    def down(self) -> None:
        """Stop every program and remove what they made, except the logs."""
        if os.geteuid() != 0:
            raise FailureError("taking a native node down needs root")
        with lock.held(self.settings.lock):
            owner.demand(self.settings)
            remove_everything(self.settings, self._processes)

    def status(self) -> bool:
        """Print every program, the node's readiness and where to look."""
        running = {name: self._processes.is_running(name) for name in STOP_ORDER}
        ready = all(running.values()) and self._is_node_ready()
        lines = {name: "running" if runs else "not running" for name, runs in sorted(running.items())}
        lines |= {"node": "Ready" if ready else "not ready", "kubeconfig": str(self.kubeconfig)}
        for name, state in (lines | {"logs": str(self.settings.logs)}).items():
            print(f"{name:<24}{state}")
        return ready

    def build_image(self, recipe: Recipe) -> str:
        """Build an image and bring it to the node, unless both were done with the same inputs."""
        self._demand_containerd()
        return NodeImages(self.settings).build(recipe)

    def load(self, images: Sequence[str]) -> None:
        """Bring images of our image store, or archives, to the node."""
        self._demand_containerd()
        for image in images:
            NodeImages(self.settings).load(image)

    def reference(self, image: str) -> str:
        """Return the name unchanged."""
        return image

    @property
    def _processes(self) -> Processes:
        return Processes(self.settings.state / "pids", self.settings.logs)

    @property
    def _plane(self) -> ControlPlane:
        folder = binaries.folder_of(self.settings, ["kubelet"])
        return ControlPlane(self.settings.state, folder, NODE_ADDRESS, PORTS)

    @property
    def _api(self) -> Api:
        return apiclient.connect(self._plane.server, self._plane.pki, "admin")

    @property
    def _node(self) -> Node:
        addons = binaries.folder_of(self.settings, ["coredns"])
        return Node(self._plane, addons, self.settings.state / "volumes", self.settings.logs)

    def _begin(self) -> bool:
        """Tell whether the cluster is new; after a restart of the machine it is, because nothing it ran is left."""
        mark = self.settings.state / "boot"
        if mark.exists() and mark.read_text() == BOOT.read_text():
            return False
        if mark.exists():
            print("the machine was restarted: the cluster begins anew", flush=True)
        remove_everything(self.settings, self._processes)
        shutil.rmtree(self.settings.logs, ignore_errors=True)
        self.settings.state.mkdir(parents=True, exist_ok=True)
        mark.write_text(BOOT.read_text())
        owner.claim(self.settings)
        return True

    def _prepare(self) -> None:
        """Do everything that the programs expect to find."""
        kernelsettings.remember(self.settings.state / "sysctl.json")
        kernelsettings.forward_packets()
        network.up()
        cgroups.create()
        self._plane.pki.ensure(components.subjects(NODE_ADDRESS) + SUBJECTS)
        for name in KUBECONFIGS:
            self._plane.write_kubeconfig(name)

    def _start_stores(self, is_new: bool) -> None:
        """Start what keeps objects and images; images are brought while the API server wakes up."""
        pki, containerd, processes = self._plane.pki, Containerd(self.settings), self._processes
        kubelet_access = (
            f"--kubelet-certificate-authority={pki.authority}",
            f"--kubelet-client-certificate={pki.certificate('kubelet-client')}",
            f"--kubelet-client-key={pki.key('kubelet-client')}",
            "--kubelet-preferred-address-types=InternalIP",
        )
        processes.ensure(components.etcd(self._plane))
        processes.ensure(components.apiserver(self._plane, *kubelet_access))
        processes.ensure(containerd.program())
        processes.until("containerd", containerd.is_ready)
        if is_new:
            containerd.forget_containers()
        NodeImages(self.settings).ensure_base_images()
        api = self._api
        processes.until("kube-apiserver", api.is_ready, needs=("etcd",))

    def _start_clients(self) -> None:
        """Start what needs the API server, and give it the rights it needs."""
        node, processes = self._node, self._processes
        for program in (components.controller_manager(self._plane), components.scheduler(self._plane)):
            processes.ensure(program)
        for program in (node.kubelet(), node.proxy()):
            processes.ensure(program)
        for path, manifest in manifests.all_with_paths():
            self._api.apply(path, manifest)
        for program in (node.coredns(), node.provisioner()):
            processes.ensure(program)

    def _wait(self) -> None:
        api, until = self._api, self._processes.until
        until("kube-proxy", lambda: _answers(FIRST_SERVICE_ADDRESS, HTTPS_PORT))
        until("coredns", lambda: _answers(NODE_ADDRESS, DNS_PORT))
        until("kube-controller-manager", lambda: api.get(ACCOUNT) is not None)
        try:
            until("kubelet", self._is_node_ready)
        except FailureError:
            # It gives up when containerd answers but is not quite initialised; a second start finds it ready.
            self._processes.ensure(self._node.kubelet())
            until("kubelet", self._is_node_ready)

    def _is_node_ready(self) -> bool:
        """Ask the kubelet too: the API still says Ready for a while when it is dead."""
        if not _answers(LOOPBACK, KUBELET_HEALTH_PORT):
            return False
        try:
            node = self._api.get(f"/api/v1/nodes/{NAME}") or {}
        except (OSError, apiclient.ApiError):
            return False
        conditions = node.get("status", {}).get("conditions", [])
        return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)

    def _demand_containerd(self) -> None:
        if not self._processes.is_running("containerd"):
            raise FailureError("the cluster is down; run: python3 -m devcluster up")


def _answers(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=1).close()
    except OSError:
        return False
    return True
