"""The Alembic scripts: read without importing them where that is possible, asked with Alembic's own rules."""

from __future__ import annotations

import functools
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, TypeVar
from weakref import WeakKeyDictionary

from alembic.script import base
from alembic.script.revision import MultipleHeads, ResolutionError, Revision, RevisionError, RevisionMap
from alembic.util import CommandError

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.causes import chain, loading, reading
from alembic_operator.runner.process.failures import Ending, Scene, classify, first_line
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import source, state
from alembic_operator.runner.project.targets import is_relative, parts, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["is_relative", "parts", "union"]  # for those who have the scripts; `targets` is for those who have not

T = TypeVar("T")

_REFERRING = re.compile(r"referenced from (.*) is not present", re.DOTALL)
"""Alembic's warning."""
_NO_ATTRIBUTES = r"(?!\._)"
_DOWNWARDS = re.compile(r"(?:.*@)?-\d+")


def leave_out_attributes() -> None:
    """Let Alembic pass over `._x.py`, in which macOS keeps what it knows of x.py, as it does over `.#x.py`."""
    for name in ("_only_source_rev_file", "_sourceless_rev_file"):
        pattern = getattr(base, name, None)
        if pattern and not pattern.pattern.startswith(_NO_ATTRIBUTES):
            setattr(base, name, re.compile(_NO_ATTRIBUTES + pattern.pattern))


def read_statically(script: Any) -> bool:
    """Give a ScriptDirectory the revisions as their source texts say, without importing one of them.

    False: some file says it in a way that only running it can tell; then nothing was changed.
    """
    if script.sourceless:
        return False
    recursive = getattr(script, "recursive_version_locations", False)
    locations = map(str, script._version_locations)  # noqa: SLF001  there is no public name for several locations
    try:
        said = [source.revision(path) for path in source.files(locations, recursive=recursive)]
    except NeedsAlembic:
        return False
    if any(one and one.name in one.down for one in said):
        return False  # Alembic says it in words
    revisions = [_of_alembic(one) for one in said if one]
    if len(revisions) < len(said):
        return False
    script.revision_map = RevisionMap(lambda: revisions)
    return True


def _of_alembic(one: source.Revision) -> Revision:
    return Revision(one.name, one.down or None, dependencies=one.depends or None, branch_labels=one.labels or None)


@dataclass(frozen=True)
class Loaded:
    """The scripts as Alembic understands them, with the questions of a comparison."""

    script: Any

    @property
    def lineage(self) -> state.Graph:
        """Every revision with those that it follows, without what it only depends on."""
        return lineage(self.script)

    @property
    def graph(self) -> state.Graph:
        """Every revision with those it needs directly."""
        return graph(self.script)

    def heads(self) -> tuple[str, ...]:
        """Return the script heads, sorted."""
        return heads(self.script)

    def targets(self, target: str, current: tuple[str, ...]) -> tuple[str, ...]:
        """Return the revisions that a target names, sorted."""
        return targets(self.script, target, current)


@contextmanager
def explained(target: str = "") -> Iterator[None]:
    """Turn what Alembic raises about the scripts, or a target, into what is wrong with them."""
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            yield
    except Ending:
        raise
    except BaseException as error:
        if not isinstance(error, Exception) and not loading(error):
            raise  # what stops the run
        raise explain(error, target, [str(one.message) for one in said]) from error


def explain(error: BaseException, target: str, said: Iterable[str] = ()) -> Ending:
    """Return what is wrong with the scripts; a broken chain warns of its place before it fails."""
    causes = list(chain(error))
    if loading(error):
        return Ending.of(classify(error, Scene()))
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
    if "revision id from filename" in text or "has no attribute 'down_revision'" in text:
        hint = "What is no revision belongs elsewhere than in their folder: move that file. A revision names both."
        text = ": ".join(filter(None, (reading(error), text)))
    if isinstance(error, KeyError):
        places = [found[1] for one in said if (found := _REFERRING.search(one))]
        where = f" ({places[0]})" if places else ""
        return Ending(Reason.BROKEN_SCRIPTS, f"a revision refers to {error}, which does not exist{where}", hint)
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


def _target(script: Any, target: str, current: tuple[str, ...]) -> tuple[str, ...]:
    if not target:
        raise Ending(Reason.UNKNOWN_TARGET, "one of several targets is empty", "Check the commas in the target.")
    if _DOWNWARDS.fullmatch(target):
        raise Ending(
            Reason.UNKNOWN_TARGET, f"target {target} counts downwards", "Only `downgrade` does; name a revision."
        )
    with explained(target):
        if is_relative(target):
            steps = list(script.iterate_revisions(target, current, implicit_base=True))
            return (steps[0].revision,) if steps else current
        found = tuple(sorted(one.revision for one in script.get_revisions(target) if one is not None))
    if not found:
        raise Ending(Reason.UNKNOWN_TARGET, f"target {target} names no revision", "Check the target.")
    return found


def _once(function: Callable[[Any], T]) -> Callable[[Any], T]:
    """Answer once for each map of revisions, which does not change; several scripts may have the same one."""
    known: WeakKeyDictionary[Any, T] = WeakKeyDictionary()

    @functools.wraps(function)
    def answer(script: Any) -> T:
        revisions = script.revision_map
        if revisions not in known:
            known[revisions] = function(script)
        return known[revisions]

    return answer


@_once
def graph(script: Any) -> state.Graph:
    """Return every revision with those it needs directly.

    Raises:
        Ending: BrokenScripts.
    """
    with explained():
        every = list(script.walk_revisions())
    return {one.revision: tuple(one._all_down_revisions) for one in every}  # noqa: SLF001  with the resolved depends_on


@_once
def lineage(script: Any) -> state.Graph:
    """Return every revision with those that it follows.

    Raises:
        Ending: BrokenScripts.
    """
    with explained():
        every = list(script.walk_revisions())
    return {one.revision: tuple(one._versioned_down_revisions) for one in every}  # noqa: SLF001  the plain ones, as a tuple


def unknown(script: Any, revisions: tuple[str, ...]) -> tuple[str, ...]:
    """Return those of the database heads that the scripts do not know."""
    return standing(script, (), revisions).unknown


def missing(script: Any, wanted: tuple[str, ...], current: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions that lead to the wanted ones and that the database heads do not contain."""
    return state.missing(graph(script), wanted, current)


def standing(script: Any, wanted: tuple[str, ...], current: tuple[str, ...]) -> state.Standing:
    """Compare the heads of one version table with the wanted revisions."""
    return state.standing(graph(script), wanted, current)


def left_out(script: Any) -> tuple[str, ...]:
    """Return what to say of revision files that are not run: no location leads to them, or another has their id."""
    recursive = getattr(script, "recursive_version_locations", False)
    locations = list(map(str, script._version_locations))  # noqa: SLF001  there is no public name
    try:
        reached = tuple(source.files(locations, recursive=recursive))
        unreached = source.unreached([script.dir, *locations], reached)
    except NeedsAlembic:
        return ()
    doubled = source.doubled(reached) if script.sourceless or len(reached) > _number(script) else ""
    return tuple(filter(None, (unreached, doubled)))


left_out_once = _once(left_out)
"""The same, of files that do not change."""


def _number(script: Any) -> int:
    """Return how many revisions Alembic has loaded, without loading or walking them; 0: none, or one failed."""
    every = vars(script.revision_map).get("_revision_map") or {}
    return len({one.revision for one in every.values() if one is not None})


def version_table(script: Any) -> tuple[str, str] | None:
    """Return schema and name of the version table as env.py's source text says; None when only running it can tell."""
    try:
        return source.version_table(Path(script.dir, "env.py").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
