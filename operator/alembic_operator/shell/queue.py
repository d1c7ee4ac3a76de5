"""The keyed work queue: each key waits at most once and runs at most once at a time; failures come back later."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from random import Random
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

_FIRST_BACKOFF = 0.2
_LONGEST_BACKOFF = 60.0
_DOUBLINGS = 10


class WorkQueue(Generic[Key]):
    """Keys that must be looked at."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._waiting: asyncio.Queue[Key] = asyncio.Queue()
        self._queued: set[Key] = set()
        self._active: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._due: dict[Key, float] = {}

    def add(self, keys: Iterable[Key]) -> None:
        """Look at these soon; one that is under way now is looked at once more afterwards."""
        for key in keys:
            if key in self._active:
                self._again.add(key)
            elif key not in self._queued:
                self._queued.add(key)
                self._waiting.put_nowait(key)

    def add_within(self, keys: Iterable[Key], delay: float) -> None:
        """Look at these after `delay` seconds at the latest: news that come in a swarm are looked at once."""
        due = asyncio.get_running_loop().time() + delay
        for key in keys:
            if key in self._active:
                self._due.setdefault(key, due)
            elif key not in self._queued and (key not in self._timers or self._timers[key].when() > due):
                self.add_after(key, delay)

    def add_after(self, key: Key, delay: float) -> None:
        """Look at this one after `delay` seconds, whatever happens; instead of the time that was set before."""
        self._forget_timer(key)
        self._timers[key] = asyncio.get_running_loop().call_later(delay, self.add, (key,))

    def _forget_timer(self, key: Key) -> None:
        if timer := self._timers.pop(key, None):
            timer.cancel()

    async def run(self, workers: int, work: Callable[[Key], Awaitable[float | None]]) -> None:
        """Work for ever. `work` returns after how many seconds it wants the key again, or None.

        An exception of `work` brings the key back after a jittered, doubling time; `work` itself says what went wrong.
        """
        async with asyncio.TaskGroup() as tasks:
            for _ in range(workers):
                tasks.create_task(self._worker(work))

    async def _worker(self, work: Callable[[Key], Awaitable[float | None]]) -> None:
        while True:
            key = await self._next()
            try:
                after = await work(key)
            except Exception:  # noqa: BLE001  the queue owns retries, whatever went wrong
                after = self._backoff(key)
            else:
                self._failures.pop(key, None)
            self._done(key, after)

    async def _next(self) -> Key:
        key = await self._waiting.get()
        self._queued.remove(key)
        self._active.add(key)
        return key

    def _backoff(self, key: Key) -> float:
        failures = self._failures[key] = self._failures.get(key, 0) + 1
        longest = min(_FIRST_BACKOFF * (1 << min(failures, _DOUBLINGS)), _LONGEST_BACKOFF)
        return self._random.uniform(longest / 2, longest)

    def _done(self, key: Key, after: float | None) -> None:
        self._active.remove(key)
        self._forget_timer(key)
        if after is not None:
            self.add_after(key, after)
        if (due := self._due.pop(key, None)) is not None:
            self.add_within((key,), max(0.0, due - asyncio.get_running_loop().time()))
        if key in self._again:
            self._again.remove(key)
            self.add((key,))
