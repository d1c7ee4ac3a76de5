"""The control groups of the pods: one root of our own, so that every process of a pod is known for what it is."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "alembic-operator"
MOUNTS = Path("/proc/mounts")
SECONDS_TO_DIE = 10


def create() -> None:
    """Make our root in every hierarchy; the kubelet insists that it exists."""
    for hierarchy in _hierarchies():
        with contextlib.suppress(OSError):
            _delegate(hierarchy)
        (hierarchy / ROOT).mkdir(exist_ok=True)


def kill() -> None:
    """Kill every process in our groups and wait for the end of the last."""
    deadline = time.monotonic() + SECONDS_TO_DIE
    while (pids := _pids()) and time.monotonic() < deadline:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.05)


def remove() -> None:
    """Remove our groups, the innermost first."""
    for group in _groups():
        with contextlib.suppress(OSError):
            group.rmdir()


def _pids() -> set[int]:
    found: set[int] = set()
    for group in _groups():
        with contextlib.suppress(OSError):
            found.update(int(line) for line in (group / "cgroup.procs").read_text().split())
    return found - {0}


def _groups() -> Iterator[Path]:
    """Yield our groups, the innermost first; those that disappear meanwhile, as their pod ends, are passed over."""
    for root in _roots():
        yield from (Path(folder) for folder, _, _ in os.walk(root, topdown=False))


def _roots() -> list[Path]:
    return [hierarchy / ROOT for hierarchy in _hierarchies() if (hierarchy / ROOT).is_dir()]


def _hierarchies() -> list[Path]:
    lines = (line.split() for line in MOUNTS.read_text().splitlines())
    return sorted({Path(fields[1]) for fields in lines if fields[2] in {"cgroup", "cgroup2"}})


def _delegate(hierarchy: Path) -> None:
    """Pass all controllers of a cgroup v2 root on to its children; usually systemd has done it."""
    controllers = hierarchy / "cgroup.controllers"
    if controllers.exists():
        words = [f"+{name}" for name in controllers.read_text().split()]
        (hierarchy / "cgroup.subtree_control").write_text(" ".join(words))
