"""Unmount everything under a folder before it is deleted: behind a mount there may be somebody's files."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from devcluster.commands import succeeds
from devcluster.failure import FailureError

MOUNTINFO = Path("/proc/self/mountinfo")
ESCAPE = re.compile(r"\\([0-7]{3})")


def under(*folders: Path) -> list[str]:
    """List mount points inside the folders, the innermost first."""
    points = [_unescaped(line.split(" ")[4]) for line in os.fsdecode(MOUNTINFO.read_bytes()).split("\n") if line]
    inside = [point for point in points if any(Path(point).is_relative_to(folder) for folder in folders)]
    return sorted(inside, reverse=True)


def detach(*folders: Path) -> None:
    """Unmount everything inside the folders, even what is still in use; `delete` notices what could not be."""
    for point in under(*folders):
        succeeds(["umount", "--lazy", point])


def delete(folder: Path) -> None:
    """Delete a folder; refuse while something is mounted in it."""
    if points := under(folder):
        raise FailureError(f"not deleted, something is mounted there: {', '.join(points)}")
    shutil.rmtree(folder, ignore_errors=True)


def _unescaped(point: str) -> str:
    """Undo the kernel's octal escapes of blanks and backslashes; all other letters stand there as they are."""
    return ESCAPE.sub(lambda found: chr(int(found[1], 8)), point)
