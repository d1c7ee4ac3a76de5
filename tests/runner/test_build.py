"""The archive."""

from __future__ import annotations

import platform
import subprocess
import zipfile
from typing import TYPE_CHECKING

import pytest

from tests.runner.environments import MATRIX, Environment
from tools import build_runner

if TYPE_CHECKING:
    from pathlib import Path


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first, second = (build_runner.build(tmp_path / name) for name in ("a.pyz", "b.pyz"))
    assert first.read_bytes() == second.read_bytes()


def test_the_archive_holds_the_runner_and_what_it_shares_with_the_operator_only(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_runner.build(tmp_path / "a.pyz")).namelist()
    assert names == sorted(names)
    assert {"__main__.py", "alembic_operator/contract/result.py", "alembic_operator/api/reasons.py"} <= set(names)
    assert not [name for name in names if "kube" in name or "shell" in name or "v1alpha1" in name]


COMPILED = """
import runpy, sys
sys.addaudithook(lambda event, facts: event == "compile" and sys.stderr.write(f"compiled {facts[1]}\\n"))
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


@pytest.mark.parametrize("environment", [MATRIX[0], MATRIX[-1]], ids=lambda environment: environment.name)
def test_a_python_that_cannot_use_the_byte_code_compiles_each_module_once(environment: Environment, pyz: Path) -> None:
    words: list[str | Path] = [environment.python, "-c", COMPILED, pyz, "--help"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    lines = [line for line in done.stderr.splitlines() if line.startswith("compiled ") and "alembic_operator" in line]
    assert len(lines) == len(set(lines))
    assert lines or environment.interpreter.version == platform.python_version()


def test_what_others_wrote_comes_with_its_licence_and_hides_nothing_of_the_image(pyz: Path) -> None:
    with zipfile.ZipFile(pyz) as archive:
        names = archive.namelist()
        for package, words in (("pg8000", "Mathieu Fenniak"), ("scramp", "MIT No Attribution")):
            assert words in archive.read(f"alembic_operator/runner/vendored/{package}/LICENSE").decode()
            assert f"alembic_operator/runner/vendored/{package}/core.py" in names
    assert {name.split("/")[0] for name in names} == {"__main__.py", "alembic_operator"}
