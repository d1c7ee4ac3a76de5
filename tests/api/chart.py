"""The chart, rendered by the real Helm."""

import os
import subprocess
from pathlib import Path
from typing import Any

import yaml

from devcluster import binaries, settings

CHART = Path(__file__).parents[2] / "charts" / "alembic-operator"
INJECTS = "--api-versions=admissionregistration.k8s.io/v1/MutatingAdmissionPolicy"
"""What Helm is told by an API server that can put the gate into pods by itself, Kubernetes 1.36 or newer."""

Manifest = dict[str, Any]


def helm() -> Path:
    """Return the program, made when it is missing."""
    where = settings.from_environment(os.environ)
    binaries.ensure(where, ["helm"])
    return binaries.path(where, "helm")


def run_helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Render a release called `release` in the namespace `operators`."""
    command: list[str | Path] = [helm(), "template", "release", CHART, "--namespace", "operators", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def render(*arguments: str) -> list[Manifest]:
    """Return all that the chart installs."""
    done = run_helm(*arguments)
    assert done.returncode == 0, done.stderr
    return [manifest for manifest in yaml.safe_load_all(done.stdout) if manifest]


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return those of one kind."""
    return [manifest for manifest in manifests if manifest["kind"] == kind]
