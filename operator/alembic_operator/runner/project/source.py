"""Read revisions and env.py as source texts: what they certainly say, without running a line of them."""

from __future__ import annotations

import ast
import os
import re
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")
_BINDERS = frozenset(
    ("globals", "locals", "vars", "exec", "eval", "setattr", "builtins", "modules", "__builtins__", "__getattr__")
)
"""With these a text can give a module's names a value that no assignment shows; so it can with the attributes."""
_BINDING_ATTRIBUTES = frozenset(("__dict__", "__globals__", "f_globals", "f_locals", "modules"))
_SUSPICION = re.compile(
    rb"\b(?:globals?|locals|vars|exec|eval|setattr|builtins|modules|f_globals|f_locals)\b"
    rb"|__(?:globals|dict|builtins|getattr)__|coding[:=](?!\s*utf-?8)"
)
"""What a text has that has one of them; who reads a text in another encoding may find it where bytes show none."""
_REVISION = re.compile(rb"^revision\b[^=\n]*=[^=].*^down_revision\b[^=\n]*=[^=]", re.MULTILINE | re.DOTALL)
_ID = re.compile(rb"^revision\b[^=\n]*=\s*[\"']([^\"'\n]+)[\"']", re.MULTILINE)
_SHOWN = 12
_FILE = re.compile(r"(?!\.#|\._|__init__).*\.py$")
"""Alembic's own, without what macOS puts beside a file to keep its attributes."""
_TABLE_ARGUMENTS = (("version_table_schema", None), ("version_table", "alembic_version"))
_ELSEWHERE = re.compile(
    r"search_path|schema_translate_map|\bset\s+(?:local\s+|session\s+)?(?:role|schema|session\s+authorization)\b"
    r"|version_locations",
    re.IGNORECASE,
)
"""What lets env.py find a version table where the runner's own connection would not, or other revisions."""


class Revision(NamedTuple):
    """What one revision file says of its place in the history."""

    name: str
    down: tuple[str, ...]
    labels: tuple[str, ...]
    depends: tuple[str, ...]
    """Names of revisions, or branch labels."""


def parsed(text: str | bytes) -> ast.Module:
    """Parse a text silently: whoever runs it is told of its invalid escapes, with the name of the file."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def files(locations: Iterable[str], *, recursive: bool) -> Iterator[str]:
    """Yield the paths that Alembic takes for revisions, in its order, each file once.

    Raises:
        NeedsAlembic: for a link old versions of Alembic look at its own name, new ones at its target's.
    """
    found = set()
    for location in locations:
        for folder, folders, names in os.walk(os.path.realpath(location)):
            folders[:] = sorted(folders) if recursive else []
            for name in sorted(() if folder.endswith("__pycache__") else names):
                path = os.path.join(folder, name)  # noqa: PTH118  pathlib costs the gate more than its whole work
                wanted = _FILE.match(name)
                if os.path.islink(path):  # noqa: PTH114
                    path = os.path.realpath(path)
                    if bool(_FILE.match(os.path.basename(path))) != bool(wanted):  # noqa: PTH119
                        raise NeedsAlembic(f"{name} in {folder} leads to a file with another ending")
                if wanted and path not in found:
                    found.add(path)
                    yield path


def unreached(folders: Iterable[str], reached: Collection[str]) -> str:
    """Return what to say of revisions in the folders, or below them, that are not those reached; empty: none."""
    reached = frozenset(reached)
    found: dict[str, int] = {}
    for path in files(dict.fromkeys(map(os.path.realpath, folders)), recursive=True):
        if path not in reached and _is_revision(path):
            folder = os.path.dirname(path)  # noqa: PTH120
            found[folder] = found.get(folder, 0) + 1
    if not found:
        return ""
    shown = ", ".join(f"{folder} ({number})" for folder, number in sorted(found.items())[:_SHOWN])
    more = f" and {len(found) - _SHOWN} folders more" if len(found) > _SHOWN else ""
    return (
        f"{sum(found.values())} revision files are in folders that the configuration does not name, and are not run:"
        f" {shown}{more}. Name them in version_locations, or set recursive_version_locations; leave them where they are"
        " another database's"
    )


def doubled(paths: Iterable[str]) -> str:
    """Return what to say of a revision that stands in several files, of which Alembic runs only one; empty: none."""
    found: dict[str, list[str]] = {}
    for path in paths:
        named = _ID.search(_text(path))  # parsing each file would cost more than the rest of a look
        if named:
            found.setdefault(named[1].decode(errors="replace"), []).append(path)
    said = [f"{name} in {' and '.join(paths)}" for name, paths in sorted(found.items()) if len(paths) > 1]
    if not said:
        return ""
    return (
        f"a revision is in several files, and only one of them is run: {', '.join(said[:_SHOWN])}. Give each its own id"
    )


def _is_revision(path: str) -> bool:
    return _REVISION.search(_text(path)) is not None


def _text(path: str) -> bytes:
    """Return what a file contains; one that cannot be read has nothing to say."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            return file.read()
    except OSError:
        return b""


def revision(path: str) -> Revision | None:
    """Return what a revision file certainly says; None when only running it can tell."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            text = file.read()
        tree = parsed(text)
        facts = None if _is_suspicious(text) and _binds_unseen(tree) else _facts(tree.body)
        if facts is None or "down_revision" not in facts or not isinstance(name := facts.get("revision"), str):
            return None
        return Revision(name, *(_names(facts.get(key)) for key in _NAMES[1:])) if name else None
    except (SyntaxError, ValueError, TypeError, OSError, RecursionError, MemoryError):
        return None


def is_plain(path: str) -> bool:
    """Tell whether a file, run as a module, makes the same each time: imports, functions and constants, and no more.

    And whether its functions leave nothing in it.
    """
    try:
        text = _text(path)
        tree = parsed(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    if _is_suspicious(text) or not all(map(_is_same, tree.body)):
        return False
    functions = {one.name for one in tree.body if isinstance(one, ast.FunctionDef)}
    return not any(_keeps(node, functions) for node in ast.walk(tree))


def _is_same(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.FunctionDef):
        arguments = statement.args
        outer = [*statement.decorator_list, *arguments.defaults, *filter(None, arguments.kw_defaults)]
        return all(isinstance(one, ast.Constant) for one in outer)
    if isinstance(statement, (ast.Import, ast.ImportFrom)):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    name, value = _assignment(statement)
    kinds = (ast.Constant, ast.Tuple, ast.Load, *((ast.List,) if name in _NAMES else ()))
    return bool(name) and value is not None and all(isinstance(node, kinds) for node in ast.walk(value))


def _keeps(node: ast.AST, functions: set[str]) -> bool:
    """Tell whether something in a function gives a name of the module, or a function itself, another value."""
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return getattr(node.value, "id", "") in functions
    return isinstance(node, ast.Global)


def _is_suspicious(text: bytes) -> bool:
    """Tell whether a text is worth a closer look; outside ASCII a name can be written in several ways."""
    return not text.isascii() or _SUSPICION.search(text) is not None


def _binds_unseen(tree: ast.Module) -> bool:
    """Tell whether something in a text may give the names a value without an assignment to them."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Global) and any(name in _NAMES for name in node.names):
            return True
        if isinstance(node, ast.Attribute) and node.attr in _BINDING_ATTRIBUTES:
            return True
        if any(getattr(node, key, None) in _BINDERS for key in ("id", "name")):
            return True
    return False


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
        statement.body = []  # a scope of its own; decorators, defaults and annotations are in the module's
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            given = [] if isinstance(node.ctx, ast.Load) else [node.id]
        else:
            given = [str(getattr(node, key, None)).partition(".")[0] for key in ("name", "asname", "rest")]
        found += [one for one in given if one in _NAMES or one == "*"]
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
        nodes = list(ast.walk(parsed(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names = {alias.asname or alias.name for node in nodes for alias in _of_alembic(node)}
    named = [node for node in nodes if _is_configure(node, names)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and node.func in named]
    found = {_table_of(call) for call in calls if _has_connection(call)}
    certain = len(found) == 1 and len(calls) == len(named)  # else it is called under another name, too
    return found.pop() if certain and not _ELSEWHERE.search(text) else None


def _of_alembic(node: ast.AST) -> list[ast.alias]:
    """Return what a statement imports of Alembic's context."""
    if not isinstance(node, ast.ImportFrom) or node.module not in ("alembic", "alembic.context"):
        return []
    return [alias for alias in node.names if alias.name in ("context", "configure")]


def _is_configure(node: ast.AST, names: set[str]) -> bool:
    if isinstance(node, ast.Attribute):
        if node.attr != "configure":
            return False
        return getattr(node.value, "attr", "") == "context" or getattr(node.value, "id", "") in names
    return isinstance(node, ast.Name) and node.id == "configure" and node.id in names


def _has_connection(call: ast.Call) -> bool:
    return bool(call.args) or any(keyword.arg in (None, "connection") for keyword in call.keywords)


def _table_of(call: ast.Call) -> tuple[str, str] | None:
    said = {keyword.arg: keyword.value for keyword in call.keywords}
    if None in said:
        return None
    values = [said.get(name, ast.Constant(default)) for name, default in _TABLE_ARGUMENTS]
    schema, name = (value.value if isinstance(value, ast.Constant) else ... for value in values)
    if not isinstance(schema or "", str) or not isinstance(name, str) or not name:
        return None
    return str(schema or ""), name
