"""Tell news from what is older than what is known."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager

from alembic_operator.core.observation.reading import Manifest, text, whole
from alembic_operator.kube.cache.keys import Reference
from alembic_operator.kube.cluster import Resource

_NEVER = -1
"""A version before any."""

_GONE = 10_000
"""Deletions that are remembered, about 3 MiB: later news of what they ended are taken for a new object."""


class Versions:
    """The version of each object that is known, and of the last deletions."""

    def __init__(self) -> None:
        self._known: dict[Resource, dict[Reference, int]] = defaultdict(dict)
        self._gone: dict[Reference, int] = {}
        self._lists: list[tuple[Resource, set[Reference]]] = []
        """For each list that is on its way, what came in another way meanwhile."""

    def is_news(self, reference: Reference, version: int) -> bool:
        """Return whether a version is newer than what is known of its object."""
        known = self._known[reference.resource].get(reference, _NEVER)
        return version > max(known, self._gone.get(reference, _NEVER))

    def of(self, reference: Reference) -> int | None:
        """Return the version of an object that is known; None: it is not."""
        return self._known[reference.resource].get(reference)

    def is_known(self, reference: Reference) -> bool:
        """Return whether the object is known."""
        return reference in self._known[reference.resource]

    def learn(self, reference: Reference, version: int) -> None:
        """Know this version from now on."""
        self._known[reference.resource][reference] = version
        self._gone.pop(reference, None)
        self._touch(reference)

    def doubt(self, reference: Reference) -> None:
        """Take the next thing that comes of a known object for news, whatever its version."""
        if self.is_known(reference):
            self._known[reference.resource][reference] = _NEVER

    def leave(self, reference: Reference) -> None:
        """Know nothing of an object, which may exist."""
        self._known[reference.resource].pop(reference, None)

    def end(self, reference: Reference, version: int) -> bool:
        """Know that an object is gone since this version; return whether that is news."""
        if version < self._known[reference.resource].get(reference, _NEVER):
            return False  # the end of an earlier one of the same name
        self.leave(reference)
        self._gone.pop(reference, None)
        self._gone[reference] = version
        if len(self._gone) > _GONE:
            del self._gone[next(iter(self._gone))]
        self._touch(reference)
        return True

    def lose(self, reference: Reference) -> None:
        """Know that an object is gone, of which no end was told: what is known of it is the last of it."""
        self.end(reference, self._known[reference.resource].get(reference, _NEVER))

    @contextmanager
    def listing(self, resource: Resource) -> Iterator[set[Reference]]:
        """Gather what comes in other ways while a list is on its way: that is newer than the list."""
        mine: tuple[Resource, set[Reference]] = (resource, set())
        self._lists.append(mine)
        try:
            yield mine[1]
        finally:
            self._lists = [one for one in self._lists if one is not mine]

    def believe(self, reference: Reference, version: int) -> bool:
        """Know the version that a list has, which may be an older one; return whether that is news."""
        news = self._known[reference.resource].get(reference) != version
        self._known[reference.resource][reference] = version
        self._gone.pop(reference, None)
        return news

    def known(self, resource: Resource, namespace: str | None) -> list[Reference]:
        """Return which objects of a namespace, or of all, are known."""
        return [one for one in self._known[resource] if namespace in (None, one.namespace)]

    def _touch(self, reference: Reference) -> None:
        for resource, touched in self._lists:
            if resource == reference.resource:
                touched.add(reference)


def version(raw: Manifest) -> int:
    """Return the resourceVersion as a number: since Kubernetes 1.35 it is defined to be comparable (KEP-5504)."""
    return whole(text(raw, "metadata", "resourceVersion")) or 0
