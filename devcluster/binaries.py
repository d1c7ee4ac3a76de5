"""Build the programs of the cluster from their Go modules into the cache, once per version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from devcluster import golang, lock
from devcluster.commands import show
from devcluster.failure import FailureError
from devcluster.gomodule import ADDONS, KUBERNETES_MODULE, GoModule, kubernetes
from devcluster.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from devcluster.settings import Settings

FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
PACKAGES = {
    "kubernetes": {
        "etcd": "go.etcd.io/etcd/server/v3",
        **{
            name: f"{KUBERNETES_MODULE}/cmd/{name}"
            for name in (
                "kube-apiserver",
                "kubectl",
                "kube-controller-manager",
                "kube-scheduler",
                "kubelet",
                "kube-proxy",
            )
        },
    },
    "addons": {
        "coredns": "github.com/coredns/coredns",
        "helm": "helm.sh/helm/v4/cmd/helm",
        "kind": "sigs.k8s.io/kind",
    },
}
"""What is built from which module, known by its label, under which name."""
NODE = tuple(name for names in PACKAGES.values() for name in names if name != "kind")
"""All that a native node needs, and the two command line tools that go with it."""

FROM_NOTHING = "about 9 minutes on 2 cores"


@dataclass(frozen=True)
class Build:
    """The programs of one module in their folder of the cache."""

    label: str
    module: GoModule
    cache: Path

    @property
    def folder(self) -> Path:
        """Name the folder of the cache; a new version has a new one."""
        return self.cache / "bin" / f"{self.label}-{self.module.fingerprint(*FLAGS, *linker_flags(self.module))}"

    @property
    def packages(self) -> dict[str, str]:
        """Map the programs of the module to their packages."""
        return PACKAGES[self.label]

    def missing(self, names: Sequence[str]) -> list[str]:
        """List which of these programs of the module are not built yet.

        Raises:
            FailureError: the module does not build one of them.
        """
        wanted = [name for name in self.packages if name in names]
        if foreign := [name for name in wanted if self.packages[name] not in self.module.tools()]:
            raise FailureError(
                f"{self.module.folder / 'go.mod'} does not build {', '.join(foreign)}: other versions of Kubernetes "
                "are for control planes of tests, not for a whole cluster; leave the variable KUBERNETES away"
            )
        return [name for name in wanted if not (self.folder / name).exists()]


def builds(settings: Settings) -> tuple[Build, ...]:
    """Choose the modules that these settings ask for."""
    modules = {"kubernetes": kubernetes(settings.kubernetes), "addons": ADDONS}
    return tuple(Build(label, module, settings.cache) for label, module in modules.items())


def linker_flags(module: GoModule) -> tuple[str, ...]:
    """Leave out debug symbols, and tell Kubernetes the version that its go.mod entry has."""
    if module is ADDONS:
        return ("-s", "-w")
    version = module.version(KUBERNETES_MODULE)
    major, minor = re.findall(r"\d+", version)[:2]
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    return ("-s", "-w", *(f"-X=k8s.io/component-base/version.{key}={value}" for key, value in stamps.items()))


def ensure(settings: Settings, names: Sequence[str] = NODE) -> None:
    """Build what is missing of these programs."""
    unknown = set(names) - {name for packages in PACKAGES.values() for name in packages}
    if unknown:
        raise FailureError(f"there is no program {', '.join(sorted(unknown))}; known: {', '.join((*NODE, 'kind'))}")
    missing = [(build, name) for build in builds(settings) for name in build.missing(names)]
    if missing:
        print(f"{len(missing)} programs to build; from nothing, all {len(NODE)} of a cluster take {FROM_NOTHING}")
    progress = Progress(len(missing))
    for number, (build, name) in enumerate(missing, start=1):
        with lock.held(build.folder / ".lock"):
            if build.missing([name]):  # nobody else has built it meanwhile
                _build(settings, build, name, partial(progress.tell, number, name))


def path(settings: Settings, name: str) -> Path:
    """Return the file of one program; raises FailureError when it is not built."""
    return folder_of(settings, [name]) / name


def folder_of(settings: Settings, names: Sequence[str]) -> Path:
    """Return the folder that holds these programs of one module; raises FailureError when one is not built."""
    build = next(each for each in builds(settings) if names[0] in each.packages)
    if build.missing(names):
        chosen = f"KUBERNETES={settings.kubernetes} " if settings.kubernetes else ""
        raise FailureError(
            f"not built yet; run: {chosen}python3 -m devcluster build --only {' '.join(build.missing(names))}"
        )
    return build.folder


def _build(settings: Settings, build: Build, name: str, tell: Callable[[], None]) -> None:
    """Build into a temporary folder and move the finished program: what has its name is complete."""
    tell()
    go = golang.find(settings, build.module)
    package = build.packages[name]
    with TemporaryDirectory(dir=build.folder) as temporary:
        flags = [*FLAGS, f"-ldflags={' '.join(linker_flags(build.module))}", "-o", f"{temporary}/"]
        show([go, "build", *flags, package], cwd=build.module.folder, env=golang.environment(), still=tell)
        (Path(temporary) / output_name(package)).rename(build.folder / name)


def output_name(package: str) -> str:
    """Return the file name that Go chooses: the last part of the path that is not a major version."""
    return next(part for part in reversed(package.split("/")) if not re.fullmatch(r"v\d+", part))
