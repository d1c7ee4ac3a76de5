"""A network of two ends that a test can cut: no packet of it leaves this machine."""

from __future__ import annotations

import random
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.runner.privileges import require

if TYPE_CHECKING:
    from collections.abc import Iterator

_CUT = """
add table inet cut
add chain inet cut arriving {{ type filter hook input priority 0; policy {policy}; }}
add chain inet cut leaving {{ type filter hook output priority 0; policy {policy}; }}
"""


@dataclass(frozen=True)
class Wire:
    """A network namespace whose only way out is a pair of virtual interfaces, with no route beyond them."""

    name: str
    near: str
    """The address of this end, where a server may listen."""
    network: str

    @property
    def within(self) -> tuple[str, ...]:
        """What a program is started by to be at the far end."""
        return ("nsenter", f"--net=/run/netns/{self.name}")

    def cut(self) -> None:
        """Drop every packet, in both directions, without a word to either end."""
        _run(*self.within, "nft", _CUT.format(policy="drop"))

    def mend(self) -> None:
        _run(*self.within, "nft", _CUT.format(policy="accept"))


@contextmanager
def laid() -> Iterator[Wire]:
    require("cutting a network", "ip", "nft", "nsenter")
    number = random.randrange(1 << 15)  # of the addresses that are kept for measuring networks, 198.18.0.0/15
    start = f"198.{18 + (number >> 14)}.{number >> 6 & 255}"
    near, far = (f"{start}.{(number & 63) * 4 + one}" for one in (1, 2))
    wire = Wire(f"cut{number:x}", near, f"{near}/30")
    _run("ip", "netns", "add", wire.name)
    try:
        _run("ip", "link", "add", wire.name, "type", "veth", "peer", "name", "far", "netns", wire.name)
        for words, interface, address in (((), wire.name, near), (("-n", wire.name), "far", far)):
            _run("ip", *words, "address", "add", f"{address}/30", "dev", interface)
            _run("ip", *words, "link", "set", interface, "up")
        yield wire
    finally:
        _run("ip", "netns", "delete", wire.name)  # the pair of interfaces goes with it


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
