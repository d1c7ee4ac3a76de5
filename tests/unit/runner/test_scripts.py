"""Scripts that are read without being imported."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from alembic.script import ScriptDirectory

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import Invocation
from alembic_operator.runner.commands.upwards import Upwards
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import environment, scripts

if TYPE_CHECKING:
    from pathlib import Path

UNIMPORTABLE = "import not_there_at_all\n"


def _directory(folder: Path, *texts: str) -> Any:
    versions = folder / "versions"
    versions.mkdir(parents=True)
    for number, text in enumerate(texts):
        (versions / f"{number}.py").write_text(UNIMPORTABLE + text)
    return ScriptDirectory(str(folder))


@pytest.fixture
def branches(tmp_path: Path) -> Any:
    script = _directory(
        tmp_path,
        "revision = 'root'\ndown_revision = None\n",
        "revision: str = 'left'\ndown_revision: str | None = 'root'\nbranch_labels = ('links',)\n",
        "revision = 'right'\ndown_revision = 'root'\n",
        "revision = 'merge'\ndown_revision = ('left', 'right')\n",
        "revision = 'alone'\ndown_revision = None\ndepends_on = 'left'\n",
    )
    assert scripts.read_statically(script)
    return script


def test_heads_are_read_from_source_texts(branches: Any) -> None:
    assert scripts.heads(branches) == ("alone", "merge")


def test_files_are_read_once_more_only_where_there_are_more_of_them_than_revisions(tmp_path: Path) -> None:
    script = _directory(tmp_path, "revision = 'a'\ndown_revision = None\n", "revision = 'b'\ndown_revision = 'a'\n")
    assert scripts.read_statically(script)
    assert scripts.heads(script) == ("b",)
    again = tmp_path / "versions" / "1.py"
    again.write_text("revision = 'a'\ndown_revision = None\n")
    assert scripts.left_out(script) == ()
    (tmp_path / "versions" / "2.py").write_text("revision = 'b'\ndown_revision = 'a'\n")
    (warning,) = scripts.left_out(script)
    assert f"a in {tmp_path}/versions/0.py and {again}" in warning


@pytest.mark.parametrize("lacks", ["", "upgrade = None\n"])
def test_a_revision_without_an_upgrade_is_named_by_its_file_before_one_runs(tmp_path: Path, lacks: str) -> None:
    script = _directory(tmp_path, "", "")
    for number, (name, down, text) in enumerate([("a", None, "def upgrade(): 1 / 0\n"), ("b", "a", lacks)]):
        (tmp_path / "versions" / f"{number}.py").write_text(f"revision = {name!r}\ndown_revision = {down!r}\n{text}")
    with pytest.raises(Ending) as caught:
        Upwards().steps(script, "heads", ("b",), ())
    assert caught.value.verdict.reason is Reason.BROKEN_SCRIPTS
    assert str(caught.value) == f"revision b has no upgrade(): {tmp_path / 'versions' / '1.py'}; nothing was applied"


def test_a_folder_without_env_py_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", [])
    _directory(tmp_path / "migrations")
    ini = tmp_path / "alembic.ini"
    ini.write_text("[alembic]\nscript_location = %(here)s/migrations\n")
    invocation = Invocation.parse(["check", "--config", str(ini)])
    with pytest.raises(Ending, match=re.escape(f"there is no env.py in {tmp_path / 'migrations'}")) as caught:
        environment.open_scripts(environment.open_config(invocation), invocation)
    assert caught.value.verdict.reason is Reason.CONFIG_INVALID


def test_a_file_that_lacks_what_makes_it_a_revision_is_named(tmp_path: Path) -> None:
    for number, text in enumerate(("revision = 'a'\n", "down_revision = None\n")):
        script = _directory(folder := tmp_path / str(number))
        file = folder / "versions" / "one.py"
        file.write_text(text)
        with pytest.raises(Ending, match=re.escape(str(file))):
            scripts.heads(script)


@pytest.mark.parametrize(
    ("target", "current", "expected"),
    [
        ("heads", (), ("alone", "merge")),
        ("merge", (), ("merge",)),
        ("merg", (), ("merge",)),
        ("links@+1", ("root",), ("left",)),
        ("merge@head", (), ("merge",)),
        ("alone@head,left", (), ("alone", "left")),
        ("links@+1,alone", ("root",), ("alone", "left")),
    ],
)
def test_targets_follow_alembics_rules(branches: Any, target: str, current: tuple[str, ...], expected: Any) -> None:
    assert scripts.targets(branches, target, current) == expected


@pytest.mark.parametrize(
    ("target", "reason"),
    [("head", Reason.MULTIPLE_HEADS), ("nowhere", Reason.UNKNOWN_TARGET), ("+9", Reason.UNKNOWN_TARGET)],
)
def test_a_wrong_target_is_told_apart(branches: Any, target: str, reason: Reason) -> None:
    with pytest.raises(Ending) as ended:
        scripts.targets(branches, target, ())
    assert ended.value.verdict.reason is reason


@pytest.mark.parametrize(
    ("wanted", "current", "missing"),
    [
        (("merge",), (), ("left", "merge", "right", "root")),
        (("merge",), ("left",), ("merge", "right")),
        (("merge",), ("merge",), ()),
        (("left",), ("merge",), ()),
        (("left",), ("alone",), ()),
        (("alone",), ("root",), ("alone", "left")),
    ],
)
def test_what_is_missing_counts_ancestors_and_dependencies(
    branches: Any, wanted: tuple[str, ...], current: tuple[str, ...], missing: tuple[str, ...]
) -> None:
    assert scripts.missing(branches, wanted, current) == missing


def test_a_prefix_of_a_known_revision_is_unknown_in_the_database(branches: Any) -> None:
    assert scripts.unknown(branches, ("merg", "left", "future")) == ("merg", "future")


@pytest.mark.parametrize(
    "text",
    ["revision = make()\n", "from .ids import revision\n", "revision = 'a' + 'b'\n", "def broken(:\n", "x = 1\n"],
)
def test_what_only_running_it_can_tell_is_not_guessed(tmp_path: Path, text: str) -> None:
    assert not scripts.read_statically(_directory(tmp_path, text))


def test_no_revision_is_never_up_to_date(tmp_path: Path) -> None:
    script = _directory(tmp_path)
    scripts.read_statically(script)
    with pytest.raises(Ending, match="no revision"):
        scripts.heads(script)


def test_a_broken_chain_is_named(tmp_path: Path) -> None:
    script = _directory(tmp_path, "revision = 'two'\ndown_revision = 'gone'\n")
    scripts.read_statically(script)
    with pytest.raises(Ending, match="gone") as ended:
        scripts.heads(script)
    assert ended.value.verdict.reason is Reason.BROKEN_SCRIPTS


def test_a_revision_that_follows_itself_is_left_to_alembic_to_name(tmp_path: Path) -> None:
    script = _directory(tmp_path, "revision = 'one'\ndown_revision = 'one'\n")
    assert not scripts.read_statically(script)


def test_a_file_without_down_revision_is_named(tmp_path: Path) -> None:
    script = _directory(tmp_path)
    (tmp_path / "versions" / "half.py").write_text("revision = 'half'\n")
    with pytest.raises(Ending, match=r"half\.py") as ended:
        scripts.heads(script)
    assert "move that file" in ended.value.verdict.failure.hint


@pytest.mark.parametrize(
    ("source", "table"),
    [
        ("context.configure(connection=connection)", ("", "alembic_version")),
        ("context.configure(connection, target_metadata=m)", ("", "alembic_version")),
        ("context.configure(url=url)\ncontext.configure(connection=c)", ("", "alembic_version")),
        ("configure(connection=c, version_table='v', version_table_schema='s')", ("s", "v")),
        ("context.configure(connection=c, version_table_schema=None)", ("", "alembic_version")),
        ("context.configure(connection=c, version_table_schema=settings.schema)", None),
        ("context.configure(connection=c, **options)", None),
        ("context.configure(connection=c)\ncontext.configure(connection=c, version_table='v')", None),
        ("c.execute('set search_path to x')\ncontext.configure(connection=c)", None),
        ("from app.migrations import run; run()", None),
        ("def broken(:", None),
    ],
)
def test_the_version_table_is_read_from_env_py_where_it_is_plain(
    tmp_path: Path, source: str, table: tuple[str, str] | None
) -> None:
    script = _directory(tmp_path)
    imports = "from alembic import context\nfrom alembic.context import configure\n"
    (tmp_path / "env.py").write_text(imports + source)
    assert scripts.version_table(script) == table
