"""The archive."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.runner.environments import MATRIX, Environment
from tests.runner.project import Project, base_environment
from tools import build_runner, pythons

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.server import Database


def test_the_same_sources_give_the_same_bytes(pyz: Path, tmp_path: Path) -> None:
    again = build_runner.build(tmp_path / "again.pyz", [one.path for one in reversed(pythons.present())])
    assert again.read_bytes() == pyz.read_bytes()


def test_what_a_config_map_cannot_hold_is_left_out_the_oldest_python_first(
    pyz: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pyz.stat().st_size <= build_runner.LIMIT < 0.98 * 2**20
    folder = tmp_path / "byte_code"
    folder.mkdir()
    for number in (3425, 3571):
        (folder / str(number)).write_bytes(os.urandom(50_000))
    sources = build_runner.build(tmp_path / "sources.pyz", ()).stat().st_size
    monkeypatch.setattr(build_runner, "LIMIT", sources + 75_000)
    with zipfile.ZipFile(build_runner.build(tmp_path / "less.pyz", (), folder)) as archive:
        assert [name for name in archive.namelist() if "byte_code" in name] == [f"{build_runner.BYTE_CODE}/3571"]
    assert "byte_code/3425 does not fit: that Python will compile the sources at each start" in capsys.readouterr().err
    monkeypatch.setattr(build_runner, "LIMIT", sources - 1)
    with pytest.raises(SystemExit, match=f"the sources alone make {sources} bytes"):
        build_runner.build(tmp_path / "none.pyz", (), folder)
    assert not (tmp_path / "none.pyz").exists()


def test_the_archive_holds_the_runner_and_what_it_shares_with_the_operator_only(pyz: Path) -> None:
    names = zipfile.ZipFile(pyz).namelist()
    assert names == sorted(names)
    assert {"__main__.py", "alembic_operator/contract/result.py", "alembic_operator/api/reasons.py"} <= set(names)
    assert not [name for name in names if "kube" in name or "shell" in name or "v1alpha1" in name]
    assert len([name for name in names if name.startswith(build_runner.BYTE_CODE)]) == len(pythons.present())


COMPILED = """
import runpy, sys
sys.addaudithook(lambda event, facts: event == "compile" and sys.stderr.write(f"compiled {facts[1]}\\n"))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
WITHOUT_LZMA = "import sys; sys.modules['lzma'] = None"
ENDS = [MATRIX[0], MATRIX[-1]]


def _compiles(python: Path | str, *words: Path | str, before: str = "", **variables: str) -> list[str]:
    """Return which files of the runner a start compiles."""
    command = [python, "-c", before + COMPILED, *words]
    variables = {**base_environment(), **variables}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=variables)
    return [line for line in done.stderr.splitlines() if line.startswith("compiled ") and "alembic_operator" in line]


@pytest.mark.parametrize("environment", ENDS, ids=lambda environment: environment.name)
def test_a_run_without_work_compiles_nothing(
    environment: Environment, pyz: Path, tmp_path: Path, database: Database
) -> None:
    project = Project(tmp_path / "project", "psycopg2").begin().table("one")
    upgrade = (pyz, "upgrade", "--config", project.folder / "alembic.ini", "--result", os.devnull)
    variables = {**database.environment(), "APP_URL": database.url("psycopg2")}
    # what watches revisions is for runs that have some
    assert any("/watching/ledger.py" in line for line in _compiles(environment.python, *upgrade, **variables))
    assert _compiles(environment.python, *upgrade, **variables) == []
    if environment != MATRIX[0]:  # its Python is too old for the driver in the archive: it looks with Alembic
        gate = (pyz, "gate", "--database", "environment", *upgrade[2:])
        assert _compiles(environment.python, *gate, **variables) == []


@pytest.mark.parametrize("environment", ENDS, ids=lambda environment: environment.name)
def test_a_python_that_cannot_use_the_byte_code_compiles_each_module_once(
    environment: Environment, pyz: Path, tmp_path: Path
) -> None:
    other = build_runner.build(tmp_path / "other.pyz", [] if environment == MATRIX[0] else [MATRIX[0].python])
    lines = _compiles(environment.python, other, "--help")
    assert len(lines) == len(set(lines)) > 10
    again = _compiles(environment.python, pyz, "--help", before=WITHOUT_LZMA)
    assert [line.rpartition("/")[2] for line in again] == [line.rpartition("/")[2] for line in lines]


def test_byte_code_that_is_damaged_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "byte_code"
    folder.mkdir()
    with zipfile.ZipFile(build_runner.build(tmp_path / "own.pyz")) as archive:
        (own,) = (name for name in archive.namelist() if name.startswith(build_runner.BYTE_CODE))
    (folder / own.rpartition("/")[2]).write_bytes(b"no byte code")
    damaged = build_runner.build(tmp_path / "damaged.pyz", (), folder)
    assert len(_compiles(sys.executable, damaged, "--help")) > 10


def test_what_others_wrote_comes_with_its_licence_and_hides_nothing_of_the_image(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
        for package, words in (("pg8000", "Mathieu Fenniak"), ("scramp", "MIT No Attribution")):
            assert words in archive.read(f"alembic_operator/runner/vendored/{package}/LICENSE").decode()
            assert f"alembic_operator/runner/vendored/{package}/core.py" in names
    assert {name.split("/")[0] for name in names} == {"__main__.py", "alembic_operator"}
