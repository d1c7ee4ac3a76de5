"""Which tables revisions make, as far as their source texts say it with certainty."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

from alembic_operator.runner.project import source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAKES, _RENAMES, _DROPS = "create_table", "rename_table", "drop_table"
_RUNS = "execute"
_MOVES = re.compile(r"\b(rename|drop)\b", re.IGNORECASE)
"""What SQL in a script may do to a table's name."""


def tables(paths: Iterable[str]) -> frozenset[str]:
    """Return the names of the tables that `op` makes in these revisions and does not drop; empty: nobody can say."""
    made: set[str] = set()
    for path in paths:
        try:
            tree = source.parsed(Path(path).read_bytes())
        except (OSError, ValueError, SyntaxError):  # compiled, or in another encoding
            return frozenset()
        if any(_may_move(node) for part in _upwards(tree) for node in ast.walk(part)):
            return frozenset()
        for operation, name in _operations(tree):
            made = made - {name} if operation == _DROPS else made | {name}
    return frozenset(made)


def _upwards(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield all but docstrings and the way down."""
    for one in tree.body:
        if not isinstance(one, ast.Expr) and getattr(one, "name", "") != "downgrade":
            yield one


def _may_move(node: ast.AST) -> bool:
    """Return whether SQL gives a table another name, or nobody can read which SQL it is."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) and bool(_MOVES.search(node.value))
    runs = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == _RUNS
    return runs and not any(isinstance(one, ast.Constant) for one in ast.walk(node))


def _operations(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield what upgrade() does to tables that it names in so many letters."""
    upgrades = [one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == "upgrade"]
    for node in (inner for one in upgrades for inner in ast.walk(one)):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        names = [one.value for one in node.args[:2] if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if node.func.attr in (_MAKES, _DROPS) and names:
            yield node.func.attr, names[0]
        elif node.func.attr == _RENAMES and len(names) == 2:  # noqa: PLR2004  from and to
            yield _DROPS, names[0]
            yield _MAKES, names[1]
