"""Read revisions and env.py as source texts: what they certainly say, without running a line of them."""

from __future__ import annotations

import ast
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")
_BINDERS = re.compile(rb"\b(?:globals?|exec|locals|vars|setattr|__dict__)\b|^from .* import +\*", re.MULTILINE)
"""With these a text can give a module's names a value that no assignment shows."""
_TABLE_ARGUMENTS = (("version_table_schema", None), ("version_table", "alembic_version"))
_ELSEWHERE = re.compile(
    r"search_path|schema_translate_map|\bset\s+(?:local\s+|session\s+)?role\b|version_locations", re.IGNORECASE
)
"""What lets env.py find a version table where the runner's own connection would not, or other revisions."""


class Revision(NamedTuple):
    """What one revision file says of its place in the history."""

    name: str
    down: tuple[str, ...]
    labels: tuple[str, ...]
    depends: tuple[str, ...]
    """Names of revisions, or branch labels."""


def files(locations: Iterable[str], *, recursive: bool) -> Iterator[str]:
    """Yield the paths that Alembic takes for revisions, in its order."""
    for location in locations:
        for folder, folders, names in os.walk(location):
            for name in sorted(names):
                if name.endswith(".py") and not name.startswith((".#", "__init__")):
                    yield os.path.join(folder, name)  # noqa: PTH118  pathlib costs the gate more than its whole work
            folders[:] = sorted(set(folders) - {"__pycache__"}) if recursive else []


def revision(path: str) -> Revision | None:
    """Return what a revision file certainly says; None when only running it can tell."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            text = file.read()
        facts = None if _BINDERS.search(text) else _facts(ast.parse(text).body)
        if facts is None or not isinstance(name := facts.get("revision"), str) or not name:
            return None
        return Revision(name, *(_names(facts.get(key)) for key in _NAMES[1:]))
    except (SyntaxError, ValueError, TypeError, OSError, RecursionError):
        return None


def _facts(body: list[ast.stmt]) -> dict[str, Any] | None:
    """Return the names' values; None when one is given a value twice, or in another way than by a plain assignment."""
    facts: dict[str, Any] = {}
    for statement in body:
        bound = _bound(statement)
        if not bound:
            continue
        target, value = _assignment(statement)
        if bound != [target] or target in facts or value is None:
            return None
        facts[target] = ast.literal_eval(value)
    return facts


def _assignment(statement: ast.stmt) -> tuple[str, ast.expr | None]:
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        return getattr(statement.targets[0], "id", ""), statement.value
    if isinstance(statement, ast.AnnAssign):
        return getattr(statement.target, "id", ""), statement.value
    return "", None


def _bound(statement: ast.stmt) -> list[str]:
    """Return those of the four names to which a statement of the module gives a value, in whatever way."""
    if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [statement.name] if statement.name in _NAMES else []
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            given = [] if isinstance(node.ctx, ast.Load) else [node.id]
        else:
            given = [str(getattr(node, key, None)) for key in ("name", "asname", "rest")]
        found += [one for one in given if one in _NAMES]
    return found


def _names(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, (tuple, list)) else (None,)
    if not all(isinstance(one, str) and one for one in names):
        raise ValueError("neither a name nor several")
    return names


def version_table(text: str) -> tuple[str, str] | None:
    """Return schema and name of the version table as env.py's text says; None when only running it can tell."""
    try:
        calls = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, RecursionError):
        return None
    found = {_table_of(call) for call in calls if _name_of(call.func) == "configure" and _has_connection(call)}
    return found.pop() if len(found) == 1 and not _ELSEWHERE.search(text) else None


def _name_of(function: ast.expr) -> str:
    return getattr(function, "attr", "") or getattr(function, "id", "")


def _has_connection(call: ast.Call) -> bool:
    return bool(call.args) or any(keyword.arg in (None, "connection") for keyword in call.keywords)


def _table_of(call: ast.Call) -> tuple[str, str] | None:
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    if None in said:
        return None
    values = [said.get(name, ast.Constant(default)) for name, default in _TABLE_ARGUMENTS]
    constants = [value.value for value in values if isinstance(value, ast.Constant)]
    if len(constants) < len(values):
        return None
    schema, name = constants
    return str(schema or ""), str(name)
