"""What a process of a fleet keeps of the revisions that it has loaded, from one tenant to the next."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest
from alembic.script import ScriptDirectory

from alembic_operator.runner.project import source
from alembic_operator.runner.project.kept import Kept

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = """'Text.'
from typing import Union
revision: str = "a"
down_revision: Union[str, None] = None
depends_on = ["x"]
"""
ASKS = 'import sys\nrevision = "b"\ndown_revision = "a"\ntenant = sys.tenant.upper()\n'
UPGRADE = "def upgrade() -> None:\n    pass\n"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (UPGRADE, True),
        ("SIZES = (1, 'two')\n", True),
        ("SIZES = [1]\n", False),
        ("table = make()\n", False),
        ("if True:\n    pass\n", False),
        ("class Model:\n    pass\n", False),
        ("def upgrade(seen=[]) -> None:\n    pass\n", False),
        ("@once\ndef upgrade() -> None:\n    pass\n", False),
        ("done = 0\ndef upgrade() -> None:\n    global done\n    done = 1\n", False),
        ("def upgrade() -> None:\n    upgrade.done = True\n", False),
        ("def upgrade() -> None:\n    globals()['done'] = True\n", False),
        ("def upgrade(\n", False),
    ],
)
def test_a_module_is_plain_that_makes_the_same_whenever_it_runs_and_remembers_nothing(
    tmp_path: Path, text: str, plain: bool
) -> None:
    path = tmp_path / "revision.py"
    path.write_text(PLAIN + text)
    assert source.is_plain(str(path)) is plain


def _next(kept: Kept, folder: Path) -> dict[str, Any]:
    script = ScriptDirectory(str(folder))
    kept.give(script)
    return {one.revision: one.module for one in script.walk_revisions()}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "a.py").write_text(PLAIN.replace('depends_on = ["x"]\n', "") + UPGRADE)
    (tmp_path / "versions" / "b.py").write_text(ASKS + UPGRADE)
    return tmp_path


def test_only_a_module_that_is_not_plain_is_run_anew_for_the_next_tenant(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    monkeypatch.setattr(sys, "tenant", "one", raising=False)
    first = _next(kept, folder)
    monkeypatch.setattr(sys, "tenant", "two")
    second = _next(kept, folder)
    assert second["a"] is first["a"]
    assert (first["b"].tenant, second["b"].tenant) == ("ONE", "TWO")


def test_other_folders_have_other_revisions(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Kept()
    monkeypatch.setattr(sys, "tenant", "one", raising=False)
    assert set(_next(kept, folder)) == {"a", "b"}
    other = tmp_path / "other"
    (other / "versions").mkdir(parents=True)
    (other / "versions" / "c.py").write_text('revision = "c"\ndown_revision = None\n' + UPGRADE)
    assert set(_next(kept, other)) == {"c"}


def test_a_place_in_the_history_that_only_running_a_file_tells_is_asked_each_time(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept()
    (folder / "versions" / "b.py").write_text('import sys\nrevision = sys.tenant\ndown_revision = "a"\n' + UPGRADE)
    for tenant in ("one", "two"):
        monkeypatch.setattr(sys, "tenant", tenant, raising=False)
        assert set(_next(kept, folder)) == {"a", tenant}
