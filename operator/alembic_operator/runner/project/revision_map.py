"""The history of the scripts, from their source texts alone: the same answers as Alembic's, or none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from alembic_operator.runner.project import source
from alembic_operator.runner.project.targets import parts, union

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from alembic_operator.runner.project.state import Graph

_ILLEGAL = frozenset("@-+:")
"""Alembic allows none of these in the name of a revision or a branch."""
_PARTIAL_LENGTH = 4
"""Alembic completes no name that is shorter."""
_SYMBOLS = ("head", "heads", "base", "current")


class RevisionMap:
    """Every revision, with those it needs."""

    def __init__(self, revisions: Iterable[source.Revision]) -> None:
        """Connect the revisions.

        Raises:
            NeedsAlembic: they are none, or Alembic would complain of them.
        """
        self._revisions: dict[str, source.Revision] = {}
        for one in revisions:
            self._add(one)
        if not self._revisions:
            raise NeedsAlembic("there is no revision")
        self._names = self._named()
        self.lineage: Graph = {name: one.down for name, one in self._revisions.items()}
        self.graph: Graph = {name: self._needs(one) for name, one in self._revisions.items()}
        self._require_order()

    def _add(self, one: source.Revision) -> None:
        if one.name in self._revisions or one.name in _SYMBOLS or _ILLEGAL & set(one.name):
            raise NeedsAlembic(f"revision {one.name} is there twice, or its name is none")
        self._revisions[one.name] = one

    def _named(self) -> dict[str, str]:
        names = {name: name for name in self._revisions}
        for one in self._revisions.values():
            for label in one.labels:
                if label in names or label in _SYMBOLS or _ILLEGAL & set(label):
                    raise NeedsAlembic(f"branch label {label} is there twice, or is none")
                names[label] = one.name
        return names

    def _needs(self, one: source.Revision) -> tuple[str, ...]:
        missing = [name for name in one.down if name not in self._revisions]
        missing += [name for name in one.depends if name not in self._names]
        if missing:
            raise NeedsAlembic(f"revision {one.name} needs {missing[0]}, which is not there")
        return tuple(dict.fromkeys((*one.down, *(self._names[name] for name in one.depends))))

    def _require_order(self) -> None:
        waiting = {name: set(needs) for name, needs in self.graph.items()}
        leads = _reversed(self.graph)
        ready = [name for name, needs in waiting.items() if not needs]
        for name in ready:
            for later in leads.get(name, ()):
                waiting[later].discard(name)
                if not waiting[later]:
                    ready.append(later)
        if len(ready) < len(waiting):
            raise NeedsAlembic("the revisions form a circle")

    def heads(self) -> tuple[str, ...]:
        """Return the script heads, sorted: what no other revision follows."""
        followed = {name for one in self._revisions.values() for name in one.down}
        return tuple(sorted(set(self._revisions) - followed))

    def targets(self, target: str, _current: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Return the revisions that a target names, sorted.

        Raises:
            NeedsAlembic: Alembic would refuse it, or counts from the current heads.
        """
        return union(self._target(one) for one in parts(target))

    def _target(self, target: str) -> tuple[str, ...]:
        if target == "heads":
            return tuple(sorted(set(self.graph) - set(_reversed(self.graph))))  # also without what is depended upon
        branch, at, name = target.rpartition("@")
        if name in ("head", "heads") and (branch or not at):
            return self._branch_heads(branch, single=name == "head")
        if at or _ILLEGAL & set(target):
            raise NeedsAlembic(f"target {target}")
        return (self._resolved(target),)

    def _branch_heads(self, branch: str, *, single: bool) -> tuple[str, ...]:
        heads = self.heads()
        if branch:
            root = self._resolved(branch)
            heads = tuple(one for one in heads if root in self._lineage(one))
        if not heads or (single and len(heads) > 1):
            raise NeedsAlembic(f"target {branch}@head names {len(heads)} revisions")
        return heads

    def _lineage(self, head: str) -> set[str]:
        """Return a head and what it follows; what it merely depends on is of another branch."""
        found: set[str] = set()
        todo = [head]
        while todo:
            name = todo.pop()
            if name not in found:
                found.add(name)
                todo += self._revisions[name].down
        return found

    def _resolved(self, name: str) -> str:
        if name in self._names:
            return self._names[name]
        begun = [one for one in self._names if name and len(one) >= _PARTIAL_LENGTH and one.startswith(name)]
        if len(begun) != 1 or name in _SYMBOLS:
            raise NeedsAlembic(f"no single revision or branch is {name}")
        return self._names[begun[0]]


def _reversed(graph: Mapping[str, tuple[str, ...]]) -> dict[str, list[str]]:
    leads: dict[str, list[str]] = {}
    for name, needs in graph.items():
        for one in needs:
            leads.setdefault(one, []).append(name)
    return leads


def read(locations: Iterable[str], *, recursive: bool) -> RevisionMap:
    """Read the revisions of some folders.

    Raises:
        NeedsAlembic: only Alembic can tell.
    """
    return RevisionMap(_certain(path) for path in source.files(locations, recursive=recursive))


def _certain(path: str) -> source.Revision:
    found = source.revision(path)
    if found is None:
        raise NeedsAlembic(f"only running {path} tells its revision")
    return found
