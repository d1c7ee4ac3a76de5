"""Caches that know something, and what is left in them."""

from alembic_operator.core.observation.reading import Manifest
from alembic_operator.kube.cache import Cache
from alembic_operator.kube.cluster import Resource


def filled(*objects: tuple[Resource, Manifest]) -> Cache:
    cache = Cache()
    for resource, raw in objects:
        cache.put(resource, raw)
    return cache


def left(cache: Cache) -> dict[str, object]:
    """Return what a cache still holds, but for the deletions that it remembers."""
    edges = cache._dependencies._edges | cache._dependencies._dependents
    kept = vars(cache) | {"_dependencies": edges, "_versions": cache._versions._known}
    return {name: value for name, value in kept.items() if any(value.values())}
