"""Look into folders that others empty at the same moment: what disappears by itself was to disappear."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def entries(folder: Path, pattern: str = "*") -> list[Path]:
    """List what of a folder has such a name; nothing when there is no folder (any more)."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path for path in folder.iterdir() if path.match(pattern))
    return []
