"""Compile modules of the runner with the Python that runs this: `byte_code.py MODULES FOLDER`.

MODULES comes from `build_runner.py --modules`. Into FOLDER it writes one file, of the number that the byte code of this
Python has. It needs nothing but this file, and runs on each Python that the runner carries byte code for.
"""

import ast
import contextlib
import marshal
import os
import sys
from importlib.util import MAGIC_NUMBER
from pathlib import Path

_SAME = {"PYTHONHASHSEED": "0", "PYTHONNODEBUGRANGES": "1"}
"""The same bytes each time; and tracebacks with lines, but without columns, which are a quarter of the byte code."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def compiled(source: bytes, file: str) -> bytes:
    """Return a module's byte code without what nobody reads in a pod: docstrings, and annotations of functions.

    Those of classes stay: dataclasses read the annotations, and would compute a missing docstring at each start.
    """
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, *_FUNCTIONS)) and ast.get_docstring(node) is not None:
            first = node.body[0]
            node.body[:1] = [] if node.body[1:] else [ast.copy_location(ast.Pass(), first)]
        if isinstance(node, _FUNCTIONS):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
    return marshal.dumps(compile(tree, f"runner.pyz/{file}", "exec", dont_inherit=True, optimize=0))


def main() -> None:
    """Read `{module: (file, source)}` and write `{module: byte code}`, both as marshal writes them."""
    modules, folder = map(Path, sys.argv[1:])
    codes = {}
    for module, (file, source) in sorted(marshal.loads(modules.read_bytes()).items()):  # noqa: S302  our own
        with contextlib.suppress(SyntaxError):  # what is carried for newer Pythons
            codes[module] = compiled(source, file)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / str(int.from_bytes(MAGIC_NUMBER[:2], "little"))).write_bytes(marshal.dumps(codes))


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in _SAME.items()):
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **_SAME})  # noqa: S606  itself
    main()
