"""The programs that make a machine a node: kubelet, kube-proxy, DNS and the provisioner of volumes."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from devcluster import cgroups, containerd, textfile
from devcluster.network import CLUSTER_ADDRESSES, NODE_ADDRESS
from devcluster.pki import Subject
from devcluster.processes import Program
from devcluster.settings import PACKAGE

if TYPE_CHECKING:
    from pathlib import Path

    from devcluster.components import ControlPlane

NAME = "node"
SUBJECTS = (
    Subject("node", f"system:node:{NAME}", "system:nodes", (f"DNS:{NAME}", "IP:127.0.0.1", f"IP:{NODE_ADDRESS}")),
    Subject("scheduler", "system:kube-scheduler"),
    Subject("proxy", "system:kube-proxy"),
    Subject("coredns", "devcluster:coredns"),
    Subject("provisioner", "devcluster:provisioner"),
)
COREFILE = """\
cluster.local:53 in-addr.arpa:53 {{
  bind {address}
  errors
  kubernetes cluster.local in-addr.arpa {{
    kubeconfig {kubeconfig}
  }}
}}
# Nothing leaves the node, so a name of the outside is a name that does not exist.
.:53 {{
  bind {address}
  template ANY ANY . {{
    rcode NXDOMAIN
  }}
}}
"""


@dataclass(frozen=True)
class Node:
    """One node on this machine."""

    plane: ControlPlane
    addons: Path
    """Where coredns is."""
    volumes: Path
    logs: Path

    def kubelet(self) -> Program:
        """Run pods; images are never deleted, and no client-side limit slows tests down."""
        config = textfile.write(self.plane.folder / "kubelet.json", json.dumps(self._kubelet_config(), indent=2))
        kubeconfig = self.plane.kubeconfig("node")
        argv = (
            self.plane.binary("kubelet"),
            f"--config={config}",
            f"--kubeconfig={kubeconfig}",
            f"--root-dir={self.plane.folder / 'kubelet'}",
            f"--hostname-override={NAME}",
            f"--node-ip={NODE_ADDRESS}",
        )
        return Program("kubelet", argv, inputs=(config, kubeconfig))

    def proxy(self) -> Program:
        """Translate service addresses; leave the machine's connection tracking limits alone."""
        kubeconfig = self.plane.kubeconfig("proxy")
        config = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "nftables",
            "clusterCIDR": CLUSTER_ADDRESSES,
            "hostnameOverride": NAME,
            "bindAddress": NODE_ADDRESS,
            "healthzBindAddress": "127.0.0.1:10256",
            "metricsBindAddress": "127.0.0.1:10249",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "nftables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
        }
        path = textfile.write(self.plane.folder / "proxy.json", json.dumps(config, indent=2))
        return Program("kube-proxy", (self.plane.binary("kube-proxy"), f"--config={path}"), inputs=(path, kubeconfig))

    def coredns(self) -> Program:
        """Answer the names of services on the node's address."""
        kubeconfig = self.plane.kubeconfig("coredns")
        path = textfile.write(
            self.plane.folder / "Corefile", COREFILE.format(address=NODE_ADDRESS, kubeconfig=kubeconfig)
        )
        return Program("coredns", (str(self.addons / "coredns"), "-conf", str(path)), inputs=(path, kubeconfig))

    def provisioner(self) -> Program:
        """Give every claim of the default storage class a folder."""
        module = PACKAGE / "provisioner.py"
        server, pki = self.plane.server, self.plane.pki
        argv = (sys.executable, "-m", "devcluster.provisioner", server, str(pki.folder), str(self.volumes))
        environment = (("PYTHONPATH", str(PACKAGE.parent)), ("PYTHONUNBUFFERED", "1"))
        return Program("provisioner", argv, inputs=(module, pki.certificate("provisioner")), environment=environment)

    def _kubelet_config(self) -> dict[str, object]:
        pki = self.plane.pki
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": NODE_ADDRESS,
            "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(pki.authority)}},
            "authorization": {"mode": "Webhook"},
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cgroups.ROOT}",
            "clusterDNS": [NODE_ADDRESS],
            "clusterDomain": "cluster.local",
            "containerRuntimeEndpoint": f"unix://{containerd.SOCKET}",
            "eventRecordQPS": 0,
            "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
            "failCgroupV1": False,
            "failSwapOn": False,
            "imageGCHighThresholdPercent": 100,
            "kubeAPIBurst": 1000,
            "kubeAPIQPS": 500,
            "makeIPTablesUtilChains": False,
            "maxPods": 250,
            "podLogsDir": str(self.logs / "pods"),
            "resolvConf": str(textfile.write(self.plane.folder / "resolv.conf", "nameserver 127.0.0.1\n")),
            "serializeImagePulls": False,
            "tlsCertFile": str(pki.certificate("node")),
            "tlsPrivateKeyFile": str(pki.key("node")),
        }
