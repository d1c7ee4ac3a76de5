"""Leave out of a source what nobody reads in a pod: comments and docstrings. Every line keeps its number."""

from __future__ import annotations

import ast
import io
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_NOTHING = b'"."'
"""Not an empty one: dataclasses would compute a missing docstring at each start."""


def bare(source: bytes) -> bytes:
    """Return a source that means the same, and whose tracebacks name the same lines."""
    lines = _without_comments(source).splitlines()
    for text in _texts(ast.parse(source)):
        first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
        rest = lines[last][text.end_col_offset :]
        lines[first] = lines[first][: text.col_offset] + _NOTHING + rest
        lines[first + 1 : last + 1] = [b""] * (last - first)
    return b"\n".join(lines) + b"\n"


def _texts(tree: ast.AST) -> Iterator[ast.expr]:
    """Return the strings that stand alone, as statements."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value


def _without_comments(source: bytes) -> bytes:
    lines = source.decode().splitlines()
    for token in tokenize.tokenize(io.BytesIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines).encode()
