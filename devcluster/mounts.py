"""Unmount everything under a folder before it is deleted: behind a mount there may be somebody's files."""

from __future__ import annotations

import shutil
from pathlib import Path

from devcluster.commands import succeeds
from devcluster.failure import FailureError

MOUNTINFO = Path("/proc/self/mountinfo")


def under(*folders: Path) -> list[str]:
    """List mount points inside the folders, the innermost first."""
    points = [_unescaped(line.split()[4]) for line in MOUNTINFO.read_text().splitlines()]
    inside = [point for point in points if any(Path(point).is_relative_to(folder) for folder in folders)]
    return sorted(inside, reverse=True)


def detach(*folders: Path) -> None:
    """Unmount everything inside the folders, even what is still in use; `delete` notices what could not be."""
    for point in under(*folders):
        succeeds(["umount", "--lazy", point])


def delete(folder: Path) -> None:
    """Delete a folder; refuse while something is mounted in it."""
    if under(folder):
        raise FailureError(f"not deleted, something is mounted there: {', '.join(under(folder))}")
    shutil.rmtree(folder, ignore_errors=True)


def _unescaped(point: str) -> str:
    """Undo the kernel's octal escapes of blanks and backslashes."""
    return point.encode().decode("unicode_escape")
