"""Which layouts of a project are read as texts, and which are left to Alembic."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from alembic_operator.contract import Invocation
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import layout

if TYPE_CHECKING:
    from pathlib import Path


INIS = {
    "plain": "script_location = %(here)s/a",
    "relative": "script_location = a",
    "one other folder": "script_location = a\nversion_locations = %(here)s/b",
    "os": "script_location = a\nversion_locations = %(here)s/a/versions:%(here)s/b\nversion_path_separator = os",
    "path_separator": "script_location = a\nversion_locations = %(here)s/a/versions:b\npath_separator = os",
    "space": "script_location = a\nversion_locations = b %(here)s/a/versions\nversion_path_separator = space",
    "newline": "script_location = a\nversion_locations =\n  b\n  a/versions\npath_separator = newline",
    "legacy": "script_location = a\nversion_locations = b, %(here)s/a/versions",
    "recursive": "script_location = a\nrecursive_version_locations = true",
    "package": "script_location = shop.db:migrations\nprepend_sys_path = .",
    "package of versions": "script_location = a\nversion_locations = shop:more\nprepend_sys_path = .\n"
    "path_separator = space",
    "variable": "script_location = %(base)s\nbase = a",
    "above": "script_location = %(here)s/b/../a",
    "no word for yes": "script_location = a\nrecursive_version_locations = True\nsourceless = 1",
}


NEEDS_ALEMBIC = {
    "no location": "sqlalchemy.url = x",
    "sourceless": "script_location = a\nsourceless = true",
    "no folder": "script_location = gone",
    "one folder of two": "script_location = a\nversion_locations = b gone",
    "two separators": "script_location = a\nversion_locations = a/versions:b\npath_separator = os\n"
    "version_path_separator = space",
    "separator": "script_location = a\nversion_locations = a/versions:b\nversion_path_separator = |",
    "bad interpolation": "script_location = %(nowhere)s/a",
    "no package": "script_location = not_there:migrations",
    "empty": "script_location =",
    "behind a link": "script_location = link/../a",
    "no name": "script_location = a\nversion_locations = a/versions,,b",
    "spaces": "script_location = a\nversion_locations = a/versions: b\npath_separator = :",
    "unused separator": "script_location = a\nprepend_sys_path = .\npath_separator = |",
    "another option's interpolation": "script_location = a\nfile_template = %(year)s",
}


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a/versions/deep", "b", "shop/db/migrations/versions", "shop/more"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("shop", "shop/db"):
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (tmp_path / "link").symlink_to("shop/more")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("text", INIS.values(), ids=INIS)
def test_the_layout_is_alembics(folders: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (folders / "alembic.ini").write_text(f"[alembic]\n{text}\n")
    found = layout.read(Invocation("gate"))
    for name in ("shop", "shop/db"):
        (folders / name / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(folders))  # Alembic imports the package
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        script = ScriptDirectory.from_config(Config("alembic.ini"))
        locations = tuple(str((folders / one).resolve()) for one in script._version_locations)
    assert found.env == str((folders / script.dir / "env.py").resolve())
    assert found.locations == locations
    assert found.recursive == script.recursive_version_locations


@pytest.mark.parametrize("text", NEEDS_ALEMBIC.values(), ids=NEEDS_ALEMBIC)
def test_an_unusual_layout_is_left_to_alembic(folders: Path, text: str) -> None:
    (folders / "alembic.ini").write_text(f"[alembic]\n{text}\n")
    with pytest.raises(NeedsAlembic):
        layout.read(Invocation("gate"))


def test_a_section_has_a_layout_of_its_own(folders: Path) -> None:
    (folders / "alembic.ini").write_text("[alembic]\nscript_location = b\n[other]\nscript_location = a\n")
    assert layout.read(Invocation("gate", section="other")).env == str(folders / "a" / "env.py")
    with pytest.raises(NeedsAlembic):
        layout.read(Invocation("gate", section="missing"))


def test_a_pyproject_toml_has_a_layout_unless_an_alembic_ini_goes_before_it(folders: Path) -> None:
    text = '[tool.alembic]\nscript_location = "%(here)s/a"\nversion_locations = ["b", "%(here)s/a/versions"]\n'
    (folders / "pyproject.toml").write_text(text)
    found = layout.read(Invocation("gate", config="pyproject.toml"))
    assert found.locations == (str(folders / "b"), str(folders / "a" / "versions"))
    (folders / "alembic.ini").touch()
    with pytest.raises(NeedsAlembic):
        layout.read(Invocation("gate", config="pyproject.toml"))


BESIDE = ["[tool.alembic]", '[tool . "alembic"]', "[tool]\nalembic.script_location = 'b'", "tool.alembic = {}"]


@pytest.mark.parametrize("text", BESIDE)
def test_an_alembic_ini_is_not_the_whole_layout_beside_a_pyproject_toml_that_adds_to_it(
    folders: Path, text: str
) -> None:
    (folders / "alembic.ini").write_text("[alembic]\nscript_location = a\n")
    toml = folders / "pyproject.toml"
    toml.write_text('[project]\ndependencies = ["alembic"]\n[tool.ruff]\nexclude = ["alembic"]\n')
    assert layout.read(Invocation("gate")).env == str(folders / "a" / "env.py")
    toml.write_text(text)
    with pytest.raises(NeedsAlembic):
        layout.read(Invocation("gate"))


MISTYPED = ["script_location = 1", 'version_locations = "b"', "version_locations = [1]", 'sourceless = "false"']


@pytest.mark.parametrize("text", [*MISTYPED, "recursive_version_locations = 1", 'prepend_sys_path = "."'])
def test_a_pyproject_toml_with_options_of_other_types_is_left_to_alembic(folders: Path, text: str) -> None:
    first = "" if text.startswith("script") else 'script_location = "a"\n'
    (folders / "pyproject.toml").write_text(f"[tool.alembic]\n{first}{text}\n")
    with pytest.raises(NeedsAlembic):
        layout.read(Invocation("gate", config="pyproject.toml"))
