"""The text below each attribute of a class, which Python itself does not keep."""

from __future__ import annotations

import ast
import inspect
from textwrap import dedent


def attribute_docs(model: type) -> dict[str, str]:
    """Return the text below each attribute of a class, by the attribute's name, in one line each."""
    (body,) = (node.body for node in ast.parse(dedent(inspect.getsource(model))).body if isinstance(node, ast.ClassDef))
    texts = {}
    for index, after in enumerate(body[1:]):
        before = body[index]
        names = [before.target] if isinstance(before, ast.AnnAssign) else getattr(before, "targets", [])
        if names and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            texts[ast.unparse(names[0])] = " ".join(str(after.value.value).split())
    return texts
