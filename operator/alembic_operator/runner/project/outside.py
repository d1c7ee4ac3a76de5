"""Find revisions that can only run outside of a transaction, and do not leave it themselves.

They tell what the engine of the program is like that calls Alembic and hands its connection over.
"""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import source

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HINTS = re.compile(rb"concurrently|vacuum|alter\s+system", re.IGNORECASE)
_LEAVES = re.compile(rb"autocommit|isolation_level|\bcommit\b", re.IGNORECASE)
"""A revision with one of these ends or leaves its transaction by itself."""
_ALONE = re.compile(
    r"\s*(?:(?:CREATE\s+(?:UNIQUE\s+)?|DROP\s+)INDEX\s+CONCURRENTLY|REINDEX\b.*\bCONCURRENTLY|VACUUM|ALTER\s+SYSTEM)\b",
    re.IGNORECASE | re.DOTALL,
)
_ARGUMENT = "postgresql_concurrently"
_BATCH = "batch_alter_table"


def needed_by(script: Any) -> str:
    """Return the file name of a revision whose upgrade() runs only outside of a transaction; empty: none is such."""
    recursive = getattr(script, "recursive_version_locations", False)
    locations = list(map(str, script._version_locations))  # noqa: SLF001  there is no public name
    try:
        path = next((one for one in source.files(locations, recursive=recursive) if _needs(one)), "")
        return os.path.basename(path)  # noqa: PTH119
    except NeedsAlembic:
        return ""


def _needs(path: str) -> bool:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            text = file.read()
        if not _HINTS.search(text) or _LEAVES.search(text):
            return False
        return any(map(_is_alone, _calls(source.parsed(text).body)))
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def _calls(nodes: Iterable[ast.AST]) -> Iterator[ast.Call]:
    """Yield the calls of an upgrade, but for those within a `with`, which may be a block of some other module's."""
    for node in nodes:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("downgrade"):
            continue
        if isinstance(node, (ast.With, ast.AsyncWith)) and _BATCH not in ast.dump(node.items[0]):
            continue
        if isinstance(node, ast.Call):
            yield node
        yield from _calls(ast.iter_child_nodes(node))


def _is_alone(call: ast.Call) -> bool:
    said = next((one.value for one in call.keywords if one.arg == _ARGUMENT), None)
    if isinstance(said, ast.Constant) and said.value is True:
        return True
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and isinstance(first.value, str) and bool(_ALONE.match(first.value))
