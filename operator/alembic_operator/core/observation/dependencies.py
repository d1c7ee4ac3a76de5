"""Find what a migration depends on, and whether that leads back to itself."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

MOST_EDGES = 20_000
"""How far is looked for a cycle, a few milliseconds: in a larger graph one may wait without being told of its cycle."""


@dataclass(frozen=True)
class Dependency:
    """A migration that must be Ready first."""

    name: str
    exists: bool
    ready: bool


def cycle(start: str, edges: Mapping[str, Sequence[str]], most: int = MOST_EDGES) -> tuple[str, ...]:
    """Return a path start -> ... -> start along `edges` (name to the names it depends on), or ()."""
    reached_from: dict[str, str] = {}
    names = [start]
    while names and most > 0:
        name = names.pop()
        following = edges.get(name, ())
        most -= len(following)
        if start in following:
            return (*_way(start, name, reached_from), start)
        for other in following:
            if other not in reached_from:
                reached_from[other] = name
                names.append(other)
    return ()


def _way(start: str, end: str, reached_from: Mapping[str, str]) -> tuple[str, ...]:
    way = [end]
    while way[-1] != start:
        way.append(reached_from[way[-1]])
    return tuple(reversed(way))
