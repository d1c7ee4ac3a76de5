"""Versions are written once, in the Go modules; everything else reads them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from devcluster import binaries, settings
from devcluster.failure import FailureError
from devcluster.gomodule import ADDONS, KUBERNETES, GoModule

if TYPE_CHECKING:
    from pathlib import Path

GO_MOD = """\
module example.dev/tools

go 1.26.0

require example.dev/single v2.0.1

require (
	example.dev/kubernetes v1.36.3 // indirect
	example.dev/kubernetes/client v9.9.9
)
"""


@pytest.fixture
def module(tmp_path: Path) -> GoModule:
    (tmp_path / "go.mod").write_text(GO_MOD)
    (tmp_path / "go.sum").write_text("sums\n")
    return GoModule(tmp_path)


@pytest.mark.parametrize(
    ("path", "version"),
    [
        ("example.dev/kubernetes", "v1.36.3"),
        ("example.dev/kubernetes/client", "v9.9.9"),
        ("example.dev/single", "v2.0.1"),
    ],
)
def test_a_version_is_read_from_a_block_and_from_a_line(module: GoModule, path: str, version: str) -> None:
    assert module.version(path) == version


def test_a_module_that_is_not_pinned_is_named(module: GoModule) -> None:
    with pytest.raises(FailureError, match=r"does not pin example\.dev/other"):
        module.version("example.dev/other")


def test_the_oldest_go_is_read_as_numbers(module: GoModule) -> None:
    assert module.go_version() == (1, 26, 0)


def test_a_fingerprint_follows_the_sums_and_the_flags(module: GoModule) -> None:
    before = module.fingerprint("-s")
    assert before == module.fingerprint("-s")
    assert before != module.fingerprint("-w")
    (module.folder / "go.sum").write_text("other sums\n")
    assert before != module.fingerprint("-s")


def test_kubernetes_is_told_the_version_of_its_module() -> None:
    version = KUBERNETES.version("k8s.io/kubernetes")
    major, minor, _ = version.removeprefix("v").split(".")
    flags = binaries.linker_flags(KUBERNETES)
    assert f"-X=k8s.io/component-base/version.gitVersion={version}" in flags
    assert f"-X=k8s.io/component-base/version.gitMajor={major}" in flags
    assert f"-X=k8s.io/component-base/version.gitMinor={minor}" in flags


def test_the_libraries_of_kubernetes_are_of_the_same_release() -> None:
    _, minor, patch = KUBERNETES.version("k8s.io/kubernetes").split(".")
    replaced = [line.split()[-1] for line in (KUBERNETES.folder / "go.mod").read_text().splitlines() if "=>" in line]
    assert set(replaced) == {f"v0.{minor}.{patch}"}


@pytest.mark.parametrize("module", [KUBERNETES, ADDONS])
def test_a_module_declares_the_programs_that_are_built_from_it(module: GoModule) -> None:
    tools = (module.folder / "go.mod").read_text().split("tool (")[1].split()
    assert set(binaries.PACKAGES[module].values()) <= set(tools)


@pytest.mark.parametrize(
    ("package", "name"), [("go.etcd.io/etcd/server/v3", "server"), ("helm.sh/helm/v4/cmd/helm", "helm")]
)
def test_the_file_that_go_writes_has_the_last_name_that_is_no_version(package: str, name: str) -> None:
    assert binaries.output_name(package) == name


def test_a_program_that_is_not_built_comes_with_the_command_that_builds_it(tmp_path: Path) -> None:
    empty = settings.Settings(state=tmp_path / "state", cache=tmp_path / "cache")
    with pytest.raises(FailureError, match="build --only etcd kubectl"):
        binaries.folder_of(empty, ["kubectl", "etcd"])


def test_an_unknown_program_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    empty = settings.Settings(state=tmp_path / "state", cache=tmp_path / "cache")
    with pytest.raises(FailureError, match="no program kubeadm"):
        binaries.ensure(empty, ["kubeadm"])
