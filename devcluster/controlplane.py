"""A real API server for tests: etcd and kube-apiserver on free loopback ports, as any user, ready in a few seconds.

    from devcluster.controlplane import ApiServer, api_server

    with api_server(tmp_path) as kubeconfig:            # Path of an administrator's kubeconfig
        ...

    with api_server(tmp_path, controllers=("job-controller", "garbage-collector-controller")) as kubeconfig:
        ...                                             # the real controllers of these names run too

    server = ApiServer.at(tmp_path, controllers=())     # the same in two steps, for a session fixture
    server.start()                                      # returns when the API is ready; raises FailureError
    server.kubeconfig, server.url, server.logs, server.kubectl
    server.stop()

RBAC is on and the kubeconfig is of group `system:masters`. Start it from the main thread: the kernel stops the programs
when that thread ends, so that a killed test run leaves nothing behind. Everything, logs too, is in the given folder.
The binaries must be there: `python3 -m devcluster build --only etcd kube-apiserver kubectl kube-controller-manager`.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import apiclient, binaries, components, settings
from devcluster.components import ControlPlane, Ports
from devcluster.processes import Processes, Program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVICE_ACCOUNTS = "serviceaccount-controller"
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class ApiServer:
    """One API server with its etcd in one folder."""

    plane: ControlPlane
    controllers: tuple[str, ...] = ()
    """Controllers of kube-controller-manager to run, by name; none: nothing acts on the objects."""

    @classmethod
    def at(cls, directory: Path, controllers: tuple[str, ...] = ()) -> ApiServer:
        """Prepare a server in an empty folder; raises FailureError when a binary is missing."""
        names = ["etcd", "kube-apiserver", "kubectl", *(["kube-controller-manager"] if controllers else [])]
        folder = binaries.folder_of(settings.from_environment(os.environ), names)
        return cls(ControlPlane(directory, folder, LOOPBACK, _free_ports()), controllers)

    @property
    def kubeconfig(self) -> Path:
        """Give an administrator's access."""
        return self.plane.kubeconfig("admin")

    @property
    def url(self) -> str:
        """Give the server's address."""
        return self.plane.server

    @property
    def logs(self) -> Path:
        """Hold a log per program."""
        return self._processes.logs

    @property
    def kubectl(self) -> Path:
        """Name a kubectl of the same version."""
        return self.plane.binaries / "kubectl"

    @property
    def _processes(self) -> Processes:
        return Processes(self.plane.folder / "pids", self.plane.folder / "logs", die_with_parent=True)

    def start(self) -> None:
        """Start everything and return when the API is ready."""
        self.plane.pki.ensure(components.subjects(LOOPBACK))
        for name in ("admin", "controller-manager"):
            self.plane.write_kubeconfig(name)
        self._processes.ensure(components.etcd(self.plane))
        self._processes.ensure(self._apiserver())
        api = apiclient.connect(self.url, self.plane.pki, "admin")
        paths = ("/readyz", "/api/v1/namespaces/default")
        self._processes.until("kube-apiserver", lambda: all(map(api.is_ready, paths)), needs=("etcd",))
        if self.controllers:
            self._processes.ensure(components.controller_manager(self.plane, self.controllers))

    def stop(self) -> None:
        """Stop everything at once: what it stored is not needed any more."""
        for name in reversed(self._processes.names()):
            self._processes.stop(name, grace=0)

    def _apiserver(self) -> Program:
        """Admit pods without a service account, unless the controller that makes these runs."""
        without = () if SERVICE_ACCOUNTS in self.controllers else ("--disable-admission-plugins=ServiceAccount",)
        return components.apiserver(self.plane, "--endpoint-reconciler-type=none", *without)


@contextmanager
def api_server(directory: Path, controllers: tuple[str, ...] = ()) -> Iterator[Path]:
    """Run an API server in an empty folder and yield the path of its kubeconfig."""
    server = ApiServer.at(directory, controllers)
    try:
        server.start()
        yield server.kubeconfig
    finally:
        server.stop()


def _free_ports() -> Ports:
    """Choose ports that nobody listens on; all three are held until the last is known."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(3)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return Ports(*(each.getsockname()[1] for each in sockets))
