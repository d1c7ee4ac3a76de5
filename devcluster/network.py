"""The network of the node: pods on one bridge, services behind it, and nothing of theirs leaves this machine."""

from __future__ import annotations

from pathlib import Path

from devcluster.commands import output, succeeds
from devcluster.components import SERVICE_ADDRESSES
from devcluster.failure import FailureError

BRIDGE = "alembic-dev0"
NODE_ADDRESS = "10.244.0.1"
POD_ADDRESSES = "10.244.0.0/24"
CLUSTER_ADDRESSES = "10.244.0.0/16"
BRIDGE_FILTER = Path("/proc/sys/net/bridge")

OWN_TABLE = f"inet {BRIDGE}"
TABLES = (OWN_TABLE, "ip kube-proxy", "ip6 kube-proxy")
RULES = f"""
table {OWN_TABLE}
delete table {OWN_TABLE}
table {OWN_TABLE} {{
  chain forwarding {{
    type filter hook forward priority -10
    iifname "{BRIDGE}" oifname != "{BRIDGE}" drop
    iifname != "{BRIDGE}" oifname "{BRIDGE}" drop
  }}
}}
"""


def up() -> None:
    """Make the bridge, its routes and the rules that keep pods inside; harmless when they are there."""
    _filter_bridges()
    if not is_up():
        output(["ip", "link", "add", BRIDGE, "type", "bridge"])
    output(["ip", "link", "set", BRIDGE, "type", "bridge", "nf_call_iptables", "1"])
    output(["ip", "address", "replace", f"{NODE_ADDRESS}/24", "dev", BRIDGE])
    output(["ip", "link", "set", BRIDGE, "up"])
    output(["ip", "route", "replace", "blackhole", CLUSTER_ADDRESSES])
    # Service addresses are translated before they would reach the bridge; what is not stops there.
    output(["ip", "route", "replace", SERVICE_ADDRESSES, "dev", BRIDGE, "src", NODE_ADDRESS])
    output(["nft", "-f", "-"], stdin=RULES)


def is_up() -> bool:
    """Tell whether the bridge exists."""
    return Path("/sys/class/net", BRIDGE).exists()


def down() -> None:
    """Remove bridge, routes and rules, those of kube-proxy too."""
    if is_up():
        _delete_bridge()
    succeeds(["ip", "route", "delete", "blackhole", CLUSTER_ADDRESSES])
    for table in TABLES:
        succeeds(["nft", "delete", "table", *table.split()])


def _delete_bridge() -> None:
    try:
        output(["ip", "link", "delete", BRIDGE])
    except FailureError:
        if is_up():
            raise


def _filter_bridges() -> None:
    """Let service addresses be translated between pods of one bridge; that is what br_netfilter is for."""
    if not BRIDGE_FILTER.exists():
        succeeds(["modprobe", "br_netfilter"])
    if not BRIDGE_FILTER.exists():
        raise FailureError("the kernel module br_netfilter is missing: services would not answer")
