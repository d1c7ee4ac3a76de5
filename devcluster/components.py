"""The command lines of etcd, the API server and what stands right behind it, for a whole node and for tests alike."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import textfile
from devcluster.pki import MASTERS, Pki, Subject
from devcluster.processes import Program

if TYPE_CHECKING:
    from pathlib import Path

SERVICE_ADDRESSES = "10.96.0.0/16"
FIRST_SERVICE_ADDRESS = "10.96.0.1"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Ports:
    """Where etcd and the API server listen."""

    etcd: int
    etcd_peer: int
    api: int


@dataclass(frozen=True)
class ControlPlane:
    """Everything the control plane's command lines are made of."""

    folder: Path
    binaries: Path
    host: str
    """The address on which the API server listens."""
    ports: Ports

    @property
    def pki(self) -> Pki:
        """Give the authority of this cluster."""
        return Pki(self.folder / "pki")

    @property
    def server(self) -> str:
        """Give the API server's address."""
        return f"https://{self.host}:{self.ports.api}"

    def kubeconfig(self, name: str) -> Path:
        """Name the kubeconfig of one part of the cluster."""
        return self.folder / f"{name}.kubeconfig"

    def write_kubeconfig(self, name: str) -> Path:
        """Write the kubeconfig of one part of the cluster."""
        path = self.kubeconfig(name)
        self.pki.write_kubeconfig(path, self.server, name)
        return path

    def binary(self, name: str) -> str:
        """Name the program's file."""
        return str(self.binaries / name)


def subjects(host: str) -> tuple[Subject, ...]:
    """List who needs a certificate in every control plane."""
    names = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")
    dns = tuple(f"DNS:{name}" for name in ("localhost", *names))
    addresses = ("IP:127.0.0.1", f"IP:{FIRST_SERVICE_ADDRESS}", f"IP:{host}")
    return (
        Subject("apiserver", "kube-apiserver", addresses=dns + addresses),
        Subject("admin", "admin", MASTERS),
        Subject("kubelet-client", "kube-apiserver-kubelet-client", MASTERS),
        Subject("controller-manager", "system:kube-controller-manager"),
    )


def etcd(plane: ControlPlane) -> Program:
    """Keep the objects; nothing of it must survive a power failure, so it does not wait for the disk."""
    clients, peers = (f"http://127.0.0.1:{port}" for port in (plane.ports.etcd, plane.ports.etcd_peer))
    argv = (
        plane.binary("etcd"),
        f"--data-dir={plane.folder / 'etcd'}",
        f"--listen-client-urls={clients}",
        f"--advertise-client-urls={clients}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=default={peers}",
        "--unsafe-no-fsync",
        f"--quota-backend-bytes={4096 * MIB}",
        "--log-level=warn",
    )
    return Program("etcd", argv)


def apiserver(plane: ControlPlane, *more: str) -> Program:
    """Serve the API with RBAC, Pod Security admission and service account tokens."""
    pki = plane.pki
    argv = (
        plane.binary("kube-apiserver"),
        f"--etcd-servers=http://127.0.0.1:{plane.ports.etcd}",
        f"--bind-address={plane.host}",
        f"--advertise-address={plane.host}",
        f"--secure-port={plane.ports.api}",
        f"--client-ca-file={pki.authority}",
        f"--tls-cert-file={pki.certificate('apiserver')}",
        f"--tls-private-key-file={pki.key('apiserver')}",
        f"--service-account-key-file={pki.certificate('service-accounts')}",
        f"--service-account-signing-key-file={pki.key('service-accounts')}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-cluster-ip-range={SERVICE_ADDRESSES}",
        "--authorization-mode=Node,RBAC",
        # The second is what OpenShift has on: an owner that blocks its own deletion needs a right of its own.
        "--enable-admission-plugins=NodeRestriction,OwnerReferencesPermissionEnforcement",
        "--allow-privileged=true",
        *more,
    )
    return Program("kube-apiserver", argv, inputs=(pki.authority, pki.certificate("apiserver")))


def controller_manager(plane: ControlPlane, controllers: tuple[str, ...] = ("*",)) -> Program:
    """Run the built-in controllers, or only those named; nothing may slow a test down."""
    pki = plane.pki
    kubeconfig = plane.kubeconfig("controller-manager")
    argv = (
        plane.binary("kube-controller-manager"),
        f"--kubeconfig={kubeconfig}",
        f"--controllers={','.join(controllers)}",
        f"--service-account-private-key-file={pki.key('service-accounts')}",
        f"--root-ca-file={pki.authority}",
        f"--cluster-signing-cert-file={pki.authority}",
        f"--cluster-signing-key-file={pki.key('ca')}",
        "--use-service-account-credentials",
        "--leader-elect=false",
        "--secure-port=0",
        "--kube-api-qps=500",
        "--kube-api-burst=1000",
    )
    return Program("kube-controller-manager", argv, inputs=(kubeconfig,))


def scheduler(plane: ControlPlane) -> Program:
    """Put pods on the node."""
    kubeconfig = plane.kubeconfig("scheduler")
    client = {"kubeconfig": str(kubeconfig), "qps": 500, "burst": 1000}
    content = {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": client,
        "leaderElection": {"leaderElect": False},
    }
    config = textfile.write(plane.folder / "scheduler.json", json.dumps(content))
    argv = (plane.binary("kube-scheduler"), f"--config={config}", "--secure-port=0")
    return Program("kube-scheduler", argv, inputs=(config, kubeconfig))
