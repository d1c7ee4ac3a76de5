"""Versions are written once, in the Go modules; everything else reads them there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from devcluster import binaries, cli, kubernetesmodule, settings
from devcluster.failure import FailureError
from devcluster.gomodule import ADDONS, KUBERNETES, KUBERNETES_MODULE, OTHERS, GoModule, kubernetes

PROJECT = Path(__file__).parents[2]
GO_MOD = """\
module example.dev/tools

go 1.26.0

require example.dev/single v2.0.1

require (
	example.dev/kubernetes v1.36.3 // indirect
	example.dev/kubernetes/client v9.9.9
)
"""
OF_KUBERNETES = """\
module k8s.io/kubernetes

go 1.25.0

godebug default=go1.25

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/kube-proxy => ./staging/src/k8s.io/kube-proxy
)
"""
VERSIONS = tuple(sorted(path.name for path in OTHERS.iterdir()))
NAMES = ["etcd", "kubectl"]


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


@pytest.mark.parametrize("chosen", ["", *VERSIONS])
def test_kubernetes_is_told_the_version_of_its_module(chosen: str) -> None:
    version = kubernetes(chosen).version(KUBERNETES_MODULE)
    major, minor, _ = version.removeprefix("v").split(".")
    flags = binaries.linker_flags(kubernetes(chosen))
    assert f"-X=k8s.io/component-base/version.gitVersion={version}" in flags
    assert f"-X=k8s.io/component-base/version.gitMajor={major}" in flags
    assert f"-X=k8s.io/component-base/version.gitMinor={minor}" in flags


@pytest.mark.parametrize("chosen", ["", *VERSIONS])
def test_the_libraries_of_kubernetes_are_of_the_same_release(chosen: str) -> None:
    module = kubernetes(chosen)
    _, minor, patch = module.version(KUBERNETES_MODULE).split(".")
    replaced = [line.split()[-1] for line in (module.folder / "go.mod").read_text().splitlines() if "=>" in line]
    assert set(replaced) == {f"v0.{minor}.{patch}"}


@pytest.mark.parametrize(("label", "module"), [("kubernetes", KUBERNETES), ("addons", ADDONS)])
def test_a_module_declares_the_programs_that_are_built_from_it(label: str, module: GoModule) -> None:
    assert set(binaries.PACKAGES[label].values()) <= module.tools()


@pytest.mark.parametrize("version", VERSIONS)
def test_another_version_has_what_a_control_plane_of_tests_needs_and_its_own_name(version: str) -> None:
    module = kubernetes(version)
    assert module.version(KUBERNETES_MODULE) == f"v{version}"
    assert {binaries.PACKAGES["kubernetes"][name] for name in kubernetesmodule.PROGRAMS} == module.tools()


def test_the_version_of_the_cluster_is_the_one_that_nobody_has_to_name() -> None:
    own = KUBERNETES.version(KUBERNETES_MODULE)
    assert kubernetes("") == kubernetes(own) == kubernetes(own.removeprefix("v")) == KUBERNETES


@pytest.mark.parametrize("version", ["1.2.3", "1.35", "..", "latest", "1.35.4/"])
def test_a_version_that_is_not_there_is_answered_with_those_that_are(version: str) -> None:
    own = KUBERNETES.version(KUBERNETES_MODULE).removeprefix("v")
    known = ", ".join(sorted([own, *VERSIONS]))
    with pytest.raises(FailureError, match=f"KUBERNETES={version}: must be one of {known}; .*make kubernetes-module"):
        kubernetes(version)


def test_each_version_is_built_into_a_folder_of_its_own(tmp_path: Path) -> None:
    folders = {binaries.builds(in_cache(tmp_path, version))[0].folder for version in ("", *VERSIONS)}
    assert len(folders) == 1 + len(VERSIONS)


def test_a_program_of_another_version_that_is_not_built_comes_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match=f"run: KUBERNETES={VERSIONS[0]} python3 -m devcluster build --only etcd"):
        binaries.folder_of(in_cache(tmp_path, VERSIONS[0]), NAMES)


@pytest.mark.parametrize("names", [binaries.NODE, ["kubelet"]])
def test_a_node_of_another_version_is_refused_before_anything_is_built(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(FailureError, match=r"does not build .*kubelet.*leave the variable KUBERNETES away"):
        binaries.ensure(in_cache(tmp_path, VERSIONS[0]), names)


def test_the_libraries_of_a_new_version_are_those_of_its_release() -> None:
    made = kubernetesmodule.go_mod("1.35.4", OF_KUBERNETES)
    assert "\ngo 1.25.0\n" in made
    assert "\nrequire k8s.io/kubernetes v1.35.4\n" in made
    assert "\tk8s.io/api => k8s.io/api v0.35.4\n\tk8s.io/kube-proxy => k8s.io/kube-proxy v0.35.4\n" in made
    assert "\tk8s.io/kubernetes/cmd/kube-apiserver\n" in made


def test_a_go_mod_of_kubernetes_of_another_form_is_told() -> None:
    with pytest.raises(FailureError, match=r"Kubernetes 1\.99\.0 has another form"):
        kubernetesmodule.go_mod("1.99.0", "module k8s.io/kubernetes\n\ngo 1.30\n")


@pytest.mark.parametrize("version", ["", "1.35", "../1.35.4", "latest"])
def test_only_a_whole_version_can_be_pinned(
    version: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("KUBERNETES", version)
    assert cli.main(["kubernetes-module"]) == 1
    assert "make kubernetes-module KUBERNETES=1.35.4" in capsys.readouterr().err


def oldest() -> str:
    """Return from which minor version on control planes of tests are pinned."""
    return ".".join(min(VERSIONS).split(".")[:2])


def test_the_chart_accepts_what_the_tests_can_run_and_nothing_older() -> None:
    chart = (PROJECT / "charts" / "alembic-operator" / "Chart.yaml").read_text()
    assert f'kubeVersion: ">={oldest()}.0-0"' in chart


@pytest.mark.parametrize("version", [KUBERNETES.version(KUBERNETES_MODULE).removeprefix("v"), *VERSIONS])
def test_the_documentation_says_which_versions_were_run(version: str) -> None:
    page = PROJECT / "docs" / "reference" / "tested-with.md"
    assert re.search(rf"^\| Kubernetes \|.*\b{re.escape(version)}\b", page.read_text(), re.MULTILINE)


def in_cache(folder: Path, version: str = "") -> settings.Settings:
    return settings.Settings(state=folder / "state", cache=folder / "cache", kubernetes=version)


@pytest.mark.parametrize(
    ("package", "name"), [("go.etcd.io/etcd/server/v3", "server"), ("helm.sh/helm/v4/cmd/helm", "helm")]
)
def test_the_file_that_go_writes_has_the_last_name_that_is_no_version(package: str, name: str) -> None:
    assert binaries.output_name(package) == name


def test_a_program_that_is_not_built_comes_with_the_command_that_builds_it(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match="run: python3 -m devcluster build --only etcd kubectl"):
        binaries.folder_of(in_cache(tmp_path), ["kubectl", "etcd"])


def test_an_unknown_program_is_refused_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(FailureError, match="no program kubeadm"):
        binaries.ensure(in_cache(tmp_path), ["kubeadm"])
