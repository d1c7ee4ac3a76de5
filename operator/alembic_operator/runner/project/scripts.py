"""The Alembic scripts: read without importing them where that is possible, asked with Alembic's own rules."""

from __future__ import annotations

import ast
import os
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alembic.script.revision import MultipleHeads, ResolutionError, Revision, RevisionError, RevisionMap
from alembic.util import CommandError

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending, chain, first_line
from alembic_operator.runner.project import state

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")
_TABLE_ARGUMENTS = (("version_table_schema", None), ("version_table", "alembic_version"))


def read_statically(script: Any) -> bool:
    """Give a ScriptDirectory the revisions as their source texts say, without importing one of them.

    False: some file says it in a way that only running it can tell; then nothing was changed.
    """
    if script.sourceless:
        return False
    revisions = []
    for path in _files(script):
        revision = _revision(path)
        if revision is None:
            return False
        revisions.append(revision)
    script.revision_map = RevisionMap(lambda: revisions)
    return True


def _files(script: Any) -> Iterator[Path]:
    recursive = getattr(script, "recursive_version_locations", False)
    for location in map(str, script._version_locations):  # noqa: SLF001  there is no public name for several locations
        for folder, folders, names in os.walk(location):
            for name in sorted(names):
                if name.endswith(".py") and not name.startswith((".#", "__init__")):
                    yield Path(folder, name)
            folders[:] = sorted(set(folders) - {"__pycache__"}) if recursive else []


def _revision(path: Path) -> Any:
    try:
        facts = dict(_assignments(ast.parse(path.read_bytes()).body))
    except (SyntaxError, ValueError, OSError):
        return None
    if not isinstance(facts.get("revision"), str):
        return None
    return Revision(
        facts["revision"],
        facts.get("down_revision"),
        dependencies=facts.get("depends_on"),
        branch_labels=facts.get("branch_labels"),
    )


def _assignments(body: list[ast.stmt]) -> Iterator[tuple[str, Any]]:
    for statement in body:
        targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
        value = getattr(statement, "value", None)
        for target in targets:
            if isinstance(target, ast.Name) and target.id in _NAMES and value is not None:
                yield target.id, ast.literal_eval(value)


@contextmanager
def explained(target: str = "") -> Iterator[None]:
    """Turn what Alembic raises about the scripts, or a target, into what is wrong with them."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a broken chain warns before it fails; the failure says more
            yield
    except Exception as error:
        raise explain(error, target) from error


def explain(error: Exception, target: str) -> Ending:
    """Return what is wrong with the scripts."""
    causes = list(chain(error))
    for one in causes:
        if isinstance(one, MultipleHeads):
            heads = ", ".join(sorted(one.heads))
            hint = "Use the target `heads`, or merge them with `alembic merge heads`."
            return Ending(Reason.MULTIPLE_HEADS, f"the scripts have several heads: {heads}", hint)
    text = first_line(error)
    if target and any(isinstance(one, ResolutionError) for one in causes):
        return Ending(Reason.UNKNOWN_TARGET, f"target {target}: {_plain(text)}", "Check the target, or the image.")
    if target and isinstance(error, (CommandError, RevisionError, AssertionError)):
        return Ending(Reason.UNKNOWN_TARGET, f"target {target}: {_plain(text)}", "Check the target.")
    hint = "Run `alembic history` in the image; every down_revision must exist."
    if isinstance(error, KeyError):
        return Ending(Reason.BROKEN_SCRIPTS, f"a revision refers to {error}, which does not exist", hint)
    return Ending(Reason.BROKEN_SCRIPTS, f"the revisions cannot be loaded: {_plain(text)}", hint)


def _plain(text: str) -> str:
    return text.split(": ", 1)[-1] if text.startswith(("CommandError", "ResolutionError", "RevisionError")) else text


def heads(script: Any) -> tuple[str, ...]:
    """Return the script heads, sorted.

    Raises:
        Ending: the scripts cannot be loaded, or there are none; nothing is never up to date.
    """
    with explained():
        found = tuple(sorted(script.get_heads()))
    if not found:
        where = ", ".join(map(str, script._version_locations))  # noqa: SLF001  there is no public name
        raise Ending(Reason.BROKEN_SCRIPTS, f"there is no revision in {where}", "Check that the image contains them.")
    return found


def targets(script: Any, target: str, current: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions that a target names, sorted; +N counts from the current heads.

    Raises:
        Ending: MultipleHeads, UnknownTarget or BrokenScripts.
    """
    heads(script)
    return union(_target(script, one, current) for one in parts(target))


def parts(target: str) -> list[str]:
    """Return the targets of a text that names several, in their order."""
    return [one.strip() for one in target.split(",")]


def _target(script: Any, target: str, current: tuple[str, ...]) -> tuple[str, ...]:
    with explained(target):
        if is_relative(target):
            steps = list(script.iterate_revisions(target, current, implicit_base=True))
            return (steps[0].revision,) if steps else current
        found = tuple(sorted(one.revision for one in script.get_revisions(target) if one is not None))
    if not found:
        raise Ending(Reason.UNKNOWN_TARGET, f"target {target} names no revision", "Check the target.")
    return found


def graph(script: Any) -> state.Graph:
    """Return every revision with those it needs directly.

    Raises:
        Ending: BrokenScripts.
    """
    with explained():
        every = list(script.walk_revisions())
    return {one.revision: tuple(one._all_down_revisions) for one in every}  # noqa: SLF001  with the resolved depends_on


def unknown(script: Any, revisions: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the database heads that the scripts do not know."""
    return standing(script, (), revisions).unknown


def missing(script: Any, wanted: tuple[str, ...], current: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions that lead to the wanted ones and that the database heads do not contain."""
    return state.missing(graph(script), wanted, current)


def standing(script: Any, wanted: tuple[str, ...], current: tuple[str, ...]) -> state.Standing:
    """Compare the heads of one version table with the wanted revisions."""
    return state.standing(graph(script), wanted, current)


def is_relative(target: str) -> bool:
    """Tell whether a target counts from the current heads: +N."""
    return any(one.startswith("+") or "@+" in one for one in parts(target))


def version_table(script: Any) -> tuple[str, str] | None:
    """Return schema and name of the version table as env.py's source text says; None when only running it can tell."""
    try:
        source = Path(script.dir, "env.py").read_text(encoding="utf-8")
        calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    except (SyntaxError, ValueError, OSError):
        return None
    found = {_table_of(call) for call in calls if _name_of(call.func) == "configure" and _has_connection(call)}
    return found.pop() if len(found) == 1 and "search_path" not in source else None


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


def union(all_heads: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """Return the heads of several version tables as one set, sorted."""
    return tuple(sorted({one for heads in all_heads for one in heads}))
