"""Alembic's ways to a target that do not lead up: which revisions it would undo, and which rows it would stamp."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from alembic.runtime.migration import MigrationStep
from alembic.script.revision import RangeNotAncestorError

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import scripts, state

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS_DOWN = re.compile(r"-\d+")


def require_known(script: Any, heads: tuple[str, ...], command: str) -> None:
    """Raise Ending UnknownRevision unless the scripts know every database head."""
    if ending := scripts.standing(script, (), heads).unknown_revision(command):
        raise ending


def undone(script: Any, target: str, heads: tuple[str, ...]) -> list[Any]:
    """Return the revisions that a downgrade to the target undoes, newest first.

    Raises:
        Ending: UnknownTarget or BrokenScripts.
    """
    if len(heads) > 1 and _STEPS_DOWN.fullmatch(target):
        message = f"target {target}: the database has several heads: {', '.join(heads)}"
        raise Ending(Reason.UNKNOWN_TARGET, message, f"Say of which: BRANCH@{target}, or name a revision.")
    with scripts.explained(target):
        try:
            return list(script.iterate_revisions(heads, target, select_for_downgrade=True))
        except RangeNotAncestorError as error:
            contains = ", ".join(heads) or "no revision"
            message = f"target {target}: the database contains {contains}, and nothing that comes after the target"
            raise Ending(Reason.UNKNOWN_TARGET, message, "Check the target; `upgrade` is what leads up.") from error


def beyond(script: Any, revision: str, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Return the revisions that the database contains and that a downgrade to this revision would undo, sorted."""
    try:
        found = list(script.iterate_revisions(heads, revision, select_for_downgrade=True))
    except RangeNotAncestorError:  # nothing comes after it but what depends on it
        return ()
    return tuple(sorted(one.revision for one in found))


def down(script: Any, names: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[Any]:
    """Yield Alembic's steps that undo these revisions, newest first.

    Raises:
        Ending: BrokenScripts, before the first one, when one of them cannot be undone.
    """
    found = [one for one in undone(script, "base", heads) if one.revision in names]
    _require(found, "downgrade", "; nothing was undone", "Write one, name a target above it, or restore a backup.")
    for one in found:
        yield MigrationStep.downgrade_from_script(script.revision_map, one)


def require_upgrades(script: Any, names: tuple[str, ...]) -> None:
    """Raise Ending BrokenScripts when one of the revisions has no upgrade()."""
    found = [script.get_revision(name) for name in names]
    _require(found, "upgrade", "; nothing was applied", "Write one, if only with `pass` in it.")


def _require(revisions: list[Any], function: str, so: str, hint: str) -> None:
    for one in revisions:
        if not callable(getattr(one.module, function, None)):
            message = f"revision {one.revision} has no {function}(): {one.path}{so}"
            raise Ending(Reason.BROKEN_SCRIPTS, message, hint)


def stamped(script: Any, target: str, heads: tuple[str, ...]) -> tuple[list[Any], tuple[str, ...]]:
    """Return Alembic's steps that stamp the target, and the heads that the version table then holds.

    One target after the other, each seen from what the one before left: Alembic's own way to stamp several at once
    counts a row twice.

    Raises:
        Ending: UnknownTarget or BrokenScripts.
    """
    steps: list[Any] = []
    rows = set(heads)
    for one in _destinations(script, target):
        with scripts.explained(target):
            found = script._stamp_revs(one, tuple(sorted(rows)))  # noqa: SLF001  as `alembic stamp` itself does
        for step in found:
            rows = (rows - set(step.from_revisions)) | set(step.to_revisions)
        steps += found
    return steps, tuple(sorted(rows))


def _destinations(script: Any, target: str) -> list[str]:
    parts = scripts.parts(target)
    bases = [one for one in parts if one == "base" or one.endswith("@base")]
    others = ",".join(one for one in parts if one not in bases)
    # a head that another one depends on has no row of its own
    return bases + list(state.tops(scripts.graph(script), scripts.targets(script, others, ())) if others else ())


def up(script: Any, wanted: tuple[str, ...], heads: tuple[str, ...]) -> list[str]:
    """Return the names of the revisions that an upgrade to the wanted ones runs, in their order.

    Raises:
        Ending: UnknownTarget or BrokenScripts.
    """
    with scripts.explained(", ".join(wanted)):
        found = list(script.iterate_revisions(wanted, heads, implicit_base=True))
    return [one.revision for one in reversed(found)]
