"""Find what a migration depends on, and whether that leads back to itself."""

from collections.abc import Mapping, Sequence


def cycle(start: str, edges: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Return a path start -> ... -> start along `edges` (name to the names it depends on), or ()."""
    paths: list[tuple[str, ...]] = [(start,)]
    seen: set[str] = set()
    while paths:
        path = paths.pop()
        for name in edges.get(path[-1], ()):
            if name == start:
                return (*path, name)
            if name not in seen:
                seen.add(name)
                paths.append((*path, name))
    return ()
