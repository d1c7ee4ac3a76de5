"""What the gate reads from source texts is what Alembic says, or it says nothing."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest
from alembic.script import ScriptDirectory

from alembic_operator.runner.commands.compare import compare
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import revision_map, scripts, source
from alembic_operator.runner.project.state import Contents
from tests.runner.histories import Chance

if TYPE_CHECKING:
    from pathlib import Path

EACH = 60
"""Histories of one test; there are ten."""
QUESTIONS = 8


def _quickly(read: revision_map.RevisionMap | None, target: str, heads: tuple[str, ...]) -> Any:
    try:
        return compare(read, target, [Contents(heads)]) if read else None
    except NeedsAlembic:
        return None


def _slowly(folder: Path, target: str, heads: tuple[str, ...]) -> Any:
    """Ask Alembic, which imports the files."""
    try:
        return compare(scripts.Loaded(ScriptDirectory(str(folder))), target, [Contents(heads)])
    except Ending as ending:
        return ending.verdict.reason


def _read(folder: Path) -> revision_map.RevisionMap | None:
    try:
        return revision_map.read([str(folder / "versions")], recursive=False)
    except NeedsAlembic:
        return None


@pytest.mark.parametrize("seed", range(10))
def test_whatever_the_history_the_quick_answer_is_alembics_or_none(tmp_path: Path, seed: int) -> None:
    sure = up_to_date = 0
    for number in range(EACH):
        chance = Chance(1000 * seed + number)
        folder = tmp_path / str(number)
        chance.write(folder)
        read = _read(folder)
        for _ in range(QUESTIONS):
            target, heads = chance.target(), chance.database_heads()
            quick = _quickly(read, target, heads)
            if quick is None:
                continue
            slow = _slowly(folder, target, heads)
            assert quick == slow, (chance.seed, target, heads)
            sure += 1
            up_to_date += quick.reason == "UpToDate"
    assert sure > EACH * QUESTIONS / 3
    assert up_to_date > EACH


PLAIN = "revision = 'a'\ndown_revision = None\n"
DOUBTFUL = [
    "down_revision = None\n",
    "revision = ''\n",
    "revision = 1\n",
    "revision = 'a'\ndown_revision = ('b', None)\n",
    "revision = 'a'\ndown_revision = {'b': 1}\n",
    "revision = name()\n",
    f"{PLAIN}revision = 'b'\n",
    f"{PLAIN}depends_on: str\n",
    f"{PLAIN}depends_on = other = 'b'\n",
    f"{PLAIN}x = (depends_on := 'b')\n",
    f"{PLAIN}depends_on += 'b'\n",
    f"{PLAIN}depends_on, x = 'b', 1\n",
    f"{PLAIN}if x:\n    depends_on = 'b'\n",
    f"{PLAIN}for depends_on in 'b':\n    pass\n",
    f"{PLAIN}with x as depends_on:\n    pass\n",
    f"{PLAIN}try:\n    pass\nexcept ValueError as depends_on:\n    pass\n",
    f"{PLAIN}import x as depends_on\n",
    f"{PLAIN}from x import depends_on\n",
    f"{PLAIN}from x import *\n",
    f"{PLAIN}def depends_on():\n    pass\n",
    f"{PLAIN}def f():\n    global depends_on\n    depends_on = 'b'\nf()\n",
    f"{PLAIN}globals()['depends_on'] = 'b'\n",
    f"{PLAIN}exec('depends_on = 1')\n",
    f"{PLAIN}del down_revision\n",
    f"{PLAIN}(\n",
    f"{PLAIN}{'-' * 100_000}1\n",
    "revision = 'a'\n",
    f"{PLAIN}if x:\n    from x import *\n",
    f"{PLAIN}from x import\t*\n",
    f"{PLAIN}import depends_on.x\n",
    f"{PLAIN}def f(x=(depends_on := 'b')):\n    pass\n",
    f"{PLAIN}def f() -> (depends_on := 'b'):\n    pass\n",
    f"{PLAIN}@(depends_on := x)\nclass A:\n    pass\n",
    f"{PLAIN}class A(b=(depends_on := 'b')):\n    pass\n",
    f"{PLAIN}eval('(depends_on := 1)')\n",
    f"{PLAIN}import builtins as b\nb.exec('depends_on = 1')\n",
    f"{PLAIN}f.__globals__['depends_on'] = 'b'\n",
    f"{PLAIN}frame().f_globals['depends_on'] = 'b'\n",
    f"{PLAIN}def __getattr__(name):\n    return 'b'\n",
    f"{PLAIN}\uff47lobals()['depends_on'] = 'b'\n",
    f"# coding: unicode_escape\n{PLAIN}\\u0067lobals()['depends_on'] = 'b'\n",
    f"# coding: nothing\n{PLAIN}",
]
HARMLESS = [
    "def upgrade():\n    depends_on = 'b'\n",
    "class A:\n    depends_on = 'b'\n",
    "# a global word: exec, eval, vars\nx = 'locals() and __dict__'\n",
    "def f():\n    global other\n    other = 1\n",
    "session.exec(x)\ndf.eval(x)\n",
    "x = '\\d'\n",
    "def f(depends_on='b', *, revision=None):\n    return [revision]\n",
]


@pytest.mark.parametrize("text", DOUBTFUL)
def test_a_revision_that_only_running_it_tells_is_not_read(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.py"
    path.write_text(text, encoding="utf-8")
    assert source.revision(str(path)) is None


@pytest.mark.parametrize("text", HARMLESS)
def test_a_revision_is_read_though_its_words_are_elsewhere(tmp_path: Path, text: str) -> None:
    path = tmp_path / "one.py"
    for encoding, first in (("utf-8", "# ü\n"), ("latin-1", "# coding: latin-1\nx = 'ü'\n"), ("utf-8-sig", "")):
        path.write_text(first + PLAIN + text, encoding=encoding)
        assert source.revision(str(path)) == ("a", (), (), ())


def test_the_files_are_those_that_alembic_takes(tmp_path: Path) -> None:
    versions, shared = tmp_path / "versions", tmp_path / "..data"
    for folder in (versions / "deep", versions / "__pycache__", versions / "not__pycache__", shared):
        folder.mkdir(parents=True)
    names = ("one.py", ".two.py", "a-b.py", "__init__.py", ".#three.py", "four.pyc", "five.py.bak", "SIX.PY")
    for number, name in enumerate((*names, "deep/seven.py", "__pycache__/eight.py", "not__pycache__/nine.py")):
        (versions / name).write_text(f"revision = 'r{number}'\ndown_revision = None\n")
    (shared / "ten.py").write_text("revision = 'ten'\ndown_revision = None\n")
    for link in (versions / "ten.py", versions / "deep" / "ten.py"):  # as a mounted ConfigMap has them
        link.symlink_to(shared / "ten.py")
    for recursive in (False, True):
        script = ScriptDirectory(str(tmp_path), recursive_version_locations=recursive)
        locations = [str(versions)] * 2
        script.version_locations = locations
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = [one.path for one in script._load_revisions()]
        assert list(source.files(locations, recursive=recursive)) == list(map(str, expected))
    (versions / "eleven.txt").symlink_to(versions / "one.py")
    with pytest.raises(NeedsAlembic):
        list(source.files([str(versions)], recursive=False))


CONFIGURE = "from alembic import context\ncontext.configure(connection=connection, version_table='a')\n"
ELSEWHERE = [
    "config.set_main_option('version_locations', 'a')",
    *('options = "-csearch_path=a"', "schema_translate_map = {None: 'a'}", 'connection.execute(text("SET  ROLE a"))'),
    *("execute(\"set schema 'a'\")", "execute('SET SESSION AUTHORIZATION a')"),
    *("partial(context.configure, version_table='b')(connection=c)", "context.configure(c, version_table='b')"),
    *("context.configure(c, version_table=None)", "context.configure(c, version_table='a', version_table_schema=1)"),
    "context.configure(c, **more)",
]


@pytest.mark.parametrize("more", ELSEWHERE)
def test_an_env_py_that_may_look_elsewhere_does_not_say_where_the_version_table_is(more: str) -> None:
    assert source.version_table(CONFIGURE) == ("", "a")
    assert source.version_table(CONFIGURE + more) is None


@pytest.mark.parametrize(
    ("text", "table"),
    [
        ("from alembic import context as a, op\na.configure(c)\na.configure(url=u)", ("", "alembic_version")),
        ("import alembic.context\nalembic.context.configure(c, version_table_schema='b')", ("b", "alembic_version")),
        ("from alembic.context import configure\nconfigure(connection=c, version_table='b')", ("", "b")),
        (f"{CONFIGURE}structlog.configure(x)\nlogging.configure(y)", ("", "a")),
        ("from alembic import context\nloguru.configure(x)\nshared.run(context)", None),
        ("from alembic import context\ncontext.configure(url=u)\nshared.run(context)", None),
    ],
)
def test_the_version_table_is_what_alembics_own_configure_is_given(text: str, table: tuple[str, str] | None) -> None:
    assert source.version_table(text) == table
