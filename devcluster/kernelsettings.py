"""Remember the kernel settings that the programs of a node change, to put them back when it goes down."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from devcluster import textfile

SYSCTL = Path("/proc/sys")
FORWARDING = "net/ipv4/ip_forward"
CHANGED = (
    FORWARDING,
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
"""All but the first are set by the kubelet."""


def remember(record: Path) -> None:
    """Write down the present values, unless that was done before."""
    if not record.exists():
        values = {name: (SYSCTL / name).read_text().strip() for name in CHANGED if (SYSCTL / name).exists()}
        textfile.write(record, json.dumps(values))


def forward_packets() -> None:
    """Let the machine route between pods and services."""
    (SYSCTL / FORWARDING).write_text("1\n")


def restore(record: Path) -> None:
    """Put back what was written down; a setting goes with the kernel module that it belongs to."""
    if record.exists():
        for name, value in json.loads(record.read_text()).items():
            with contextlib.suppress(FileNotFoundError):
                (SYSCTL / name).write_text(value + "\n")
        record.unlink()
