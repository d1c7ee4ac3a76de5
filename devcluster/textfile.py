"""Write a file of text only when it says something new: kube-proxy, for one, ends when its file is touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER_ONLY = 0o600


def write(path: Path, content: str) -> Path:
    """Make the file have this content, readable by its owner only; leave it alone when it has it already."""
    if not path.exists() or path.read_text() != content:
        new = path.with_name(f".{path.name}.new")
        new.touch(mode=OWNER_ONLY)
        new.write_text(content)
        new.rename(path)
    return path
