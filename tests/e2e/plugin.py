"""`kubectl alembic`, as a person would type it: found by kubectl as a plugin."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tests.e2e.migration import PATIENCE

if TYPE_CHECKING:
    from demo.access import Access


def begin(access: Access, *words: str, columns: str = "200") -> subprocess.Popen[str]:
    """Start a command as a person would type it, in a terminal so wide; workers of pytest-xdist say 80."""
    folders = [str(Path(sys.executable).parent), str(access.kubectl_path.parent), os.environ["PATH"]]
    cluster = [f"--kubeconfig={access.cluster.kubeconfig}", f"--namespace={access.namespace}"]
    return subprocess.Popen(
        [access.kubectl_path, "alembic", *words, *cluster],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PATH": ":".join(folders), "COLUMNS": columns},
    )


def ask(access: Access, *words: str, columns: str = "200") -> tuple[int, str]:
    """Return how a command ended, and what it said."""
    with begin(access, *words, columns=columns) as running:
        told, trouble = running.communicate(timeout=PATIENCE)
    return running.returncode, told if running.returncode != 1 else trouble
