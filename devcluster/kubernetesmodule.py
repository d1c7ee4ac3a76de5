"""Pin one more version of Kubernetes under tools/other/, for the control planes of tests."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster import golang
from devcluster.binaries import PACKAGES
from devcluster.commands import output, show
from devcluster.failure import FailureError
from devcluster.gomodule import FILES, KUBERNETES, KUBERNETES_MODULE, OTHERS

if TYPE_CHECKING:
    from devcluster.settings import Settings

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
"""A control plane for tests; there is no kubelet among them, so no node either."""


def write(settings: Settings) -> Path:
    """Write go.mod and go.sum of the version that the settings have; return their folder.

    Raises:
        FailureError: it is no version, or nobody has published it.
    """
    version = settings.kubernetes.removeprefix("v")
    if not re.fullmatch(r"1\.\d+\.\d+", version):
        raise FailureError(f"KUBERNETES={version}: must be a version: make kubernetes-module KUBERNETES=1.35.4")
    go, environment = golang.find(settings, KUBERNETES), golang.environment()
    found = json.loads(output([go, "mod", "download", "-json", f"{KUBERNETES_MODULE}@v{version}"], env=environment))
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "go.mod").write_text(go_mod(version, Path(found["GoMod"]).read_text()))
        show([go, "mod", "tidy"], cwd=folder, env=environment)
        target = OTHERS / version
        target.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            shutil.copyfile(folder / name, target / name)
    return target


def go_mod(version: str, of_kubernetes: str) -> str:
    """Return a go.mod that builds the programs: Kubernetes' own libraries are those of the same release."""
    go = re.search(r"^go \S+$", of_kubernetes, re.MULTILINE)
    libraries = re.findall(r"(k8s\.io/[a-z0-9-]+) => \./", of_kubernetes)
    if not go or not libraries:
        raise FailureError(f"the go.mod of Kubernetes {version} has another form than was expected")
    published = f"v0.{version.removeprefix('1.')}"
    return "\n".join(
        (
            f"// Kubernetes {version} for control planes of tests: make kubernetes-module KUBERNETES={version}",
            "module alembic-operator.dev/devcluster/tools\n",
            f"{go[0]}\n",
            f"require {KUBERNETES_MODULE} v{version}\n",
            *("replace (", *(f"\t{name} => {name} {published}" for name in libraries), ")\n"),
            *("tool (", *(f"\t{PACKAGES['kubernetes'][name]}" for name in PROGRAMS), ")\n"),
        )
    )
