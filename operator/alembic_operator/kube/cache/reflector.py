"""Keep the cache as the API server has one resource of a namespace: list it, and watch it from there on."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from random import Random
from typing import Any, Protocol

from alembic_operator.core.observation.reading import Manifest, text
from alembic_operator.kube.cluster import Cluster, Resource, Scope
from alembic_operator.kube.errors import ApiError, LeaseLostError

_FIRST_PAUSE = 1.0
_LONGEST_PAUSE = 30.0
"""Seconds until it is tried again to read what could not be read."""

REFUSALS = (401, 403, 404)
"""A missing right, or a kind that does not exist: what can be read is served all the same."""


_WANT_A_LIST = (*REFUSALS, 400, 410)
"""To go on from the known version may be impossible; a server that is busy is not asked for more than that."""


class Store(Protocol):
    """Who remembers."""

    unreadable: dict[tuple[Resource, str | None], ApiError]

    async def replace(self, resource: Resource, namespace: str | None, listed: AsyncIterable[Manifest]) -> set[Any]:
        """Take in a whole list, and return who must look again."""
        ...


class Listener(Protocol):
    """Who is told."""

    def on_change(self, resource: Resource, event: Manifest) -> None:
        """Take in an event of a watch."""
        ...

    def on_list(self, scope: Scope, woken: set[Any]) -> None:
        """Look at these again: all of it is read, or goes on to be read after an error."""
        ...

    def on_error(self, scope: Scope, error: ApiError) -> None:
        """Say that something cannot be read; told each time."""
        ...


@dataclass
class Reflector:
    """One list, and one watch after the other."""

    cluster: Cluster
    cache: Store
    scope: Scope
    listener: Listener
    random: Random

    def __post_init__(self) -> None:
        self.settled = asyncio.Event()
        """The list is in the cache, or the API server has refused it."""
        self._version = ""
        """From where to watch; empty: a list is needed."""
        self._listed_at = ""
        self._failures = 0

    async def run(self) -> None:
        """Reflect for ever.

        Raises:
            LeaseLostError: this process must stop.
        """
        while True:
            try:
                await self._reflect()
                self._failures = 0
            except LeaseLostError:
                raise
            except ApiError as error:
                self._fail(error)
            await asyncio.sleep(self._pause())

    async def _reflect(self) -> None:
        if not self._version:
            await self._list()
        async with aclosing(self.cluster.watch(self.scope, self._version)) as events:
            async for event in events:
                if self._failures:
                    self._failures = 0
                    self.listener.on_list(self.scope, set())
                self._take(event)
                if not self._version:
                    return
                await asyncio.sleep(0)  # many may have come at once, and others want to work

    async def _list(self) -> None:
        woken = await self.cache.replace(self.scope.resource, self.scope.namespace, self._items())
        self._version = self._listed_at
        self._failures = 0
        self.cache.unreadable.pop(self.scope[:2], None)
        self.settled.set()
        self.listener.on_list(self.scope, woken)

    async def _items(self) -> AsyncIterator[Manifest]:
        async for page in self.cluster.pages(self.scope):
            self._listed_at = page.version
            for raw in page.items:
                yield raw
                await asyncio.sleep(0)

    def _take(self, event: Manifest) -> None:
        kind = text(event, "type")
        self._version = text(event, "object", "metadata", "resourceVersion") if kind != "ERROR" else ""
        if kind in ("ADDED", "MODIFIED", "DELETED"):
            self.listener.on_change(self.scope.resource, event)

    def _fail(self, error: ApiError) -> None:
        self._failures += 1
        if error.status in _WANT_A_LIST:
            self._version = ""
        if error.status in REFUSALS:
            self.cache.unreadable[self.scope[:2]] = error
            self.settled.set()
        self.listener.on_error(self.scope, error)

    def _pause(self) -> float:
        longest = min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE)
        return self.random.uniform(longest / 2, longest)


@dataclass
class Lister(Reflector):
    """One list after the other, of what somebody else watches: a deletion in a gap of a watch is never told."""

    every: float
    """Seconds from one list to the next."""

    async def _reflect(self) -> None:
        await self._list()
        await asyncio.sleep(self.every)
