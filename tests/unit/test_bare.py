"""The sources in the archive, without what nobody reads in a pod."""

from __future__ import annotations

import ast

from tools import build_runner
from tools.bare import bare

SOURCE = b'''"""A module.

With two paragraphs."""

X = "# no comment"  # a comment
"""An attribute's."""

class One:
    """A class."""

def two(words="""in
two lines"""):  # noqa: X
    "One line."; return words + \\
        "."
'''


def test_a_bare_source_has_every_statement_in_its_line() -> None:
    found = bare(SOURCE).decode()
    assert "paragraphs" not in found
    assert "noqa" not in found
    assert '"# no comment"' in found
    space: dict[str, object] = {}
    exec(found, space)
    assert space["two"]() == "in\ntwo lines."  # type: ignore[operator]
    assert _places(SOURCE) == _places(found.encode())


def test_a_module_of_the_runner_stays_what_it_is() -> None:
    package = build_runner.SOURCE / "alembic_operator" / "runner" / "commands"
    for path in package.rglob("*.py"):
        source = path.read_bytes()
        assert _places(bare(source)) == _places(source), path


def _places(source: bytes) -> list[tuple[str, int]]:
    """Return every node but the texts that stand alone, with its line."""
    tree = ast.parse(source)
    alone = {
        id(each)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for each in (node, node.value)
    }
    nodes = [node for node in ast.walk(tree) if id(node) not in alone and hasattr(node, "lineno")]
    return [
        (type(node).__name__ if list(ast.iter_child_nodes(node)) else ast.dump(node), node.lineno) for node in nodes
    ]
