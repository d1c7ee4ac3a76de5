"""What is said to make in variables reaches the programs as it was said."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
READ = re.compile(
    r"""(?:environ|environment)(?:\.get\(|\[)"([A-Z][A-Z_0-9]+)["]|"([A-Z][A-Z_0-9]+)" (?:not )?in os\.environ"""
)
SHOW = "show-environment:\n\t@env\n"


def names() -> set[str]:
    """Return the variables that programs of the project ask the environment for."""
    files = [path for folder in ("demo", "devcluster", "tests", "tools") for path in (PROJECT / folder).rglob("*.py")]
    return {one or other for path in files for one, other in READ.findall(path.read_text(encoding="utf-8"))}


def make(folder: Path, *arguments: str, **environment: str) -> dict[str, str]:
    """Return the environment that make gives to the programs it starts."""
    (folder / "show.mk").write_text(SHOW)
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    command = ["make", "--silent", "--file=Makefile", f"--file={folder / 'show.mk'}", "show-environment", *arguments]
    done = subprocess.run(
        command, cwd=PROJECT, env=clean | environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return dict(line.partition("=")[::2] for line in done.stdout.splitlines())


def test_the_variables_that_the_readme_offers_are_among_those_that_programs_read() -> None:
    assert {"DEVCLUSTER", "KUBECONFIG", "KUBERNETES", "XDG_CACHE_HOME", "TEST_DATABASE_URL"} <= names()


def test_no_variable_of_the_makefile_replaces_one_that_a_program_reads(tmp_path: Path) -> None:
    said = {name: f"said-{name}" for name in names() - {"HOME", "PATH"}}
    assert {name: value for name, value in make(tmp_path, **said).items() if name in said} == said


@pytest.mark.parametrize("name", ["DEVCLUSTER", "KUBERNETES"])
def test_a_variable_on_the_command_line_of_make_is_as_good_as_one_in_the_environment(tmp_path: Path, name: str) -> None:
    assert make(tmp_path, f"{name}=said")[name] == "said"
