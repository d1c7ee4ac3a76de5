"""The keyed work queue: each key waits at most once and runs at most once at a time; failures come back later."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from random import Random
from typing import Generic, NamedTuple, TypeVar

Key = TypeVar("Key", bound=Hashable)
Lane = Hashable

_FIRST_BACKOFF = 0.2
_LONGEST_BACKOFF = 60.0
_DOUBLINGS = 10


class Bounds(NamedTuple):
    """How many keys are worked on side by side."""

    lane: int
    """Of one lane: what it waits for keeps no other from its turn."""
    total: int
    """Of all lanes."""


class WorkQueue(Generic[Key]):
    """Keys that must be looked at; lanes take turns, one key each."""

    def __init__(self, random: Random, lane_of: Callable[[Key], Lane], bounds: Bounds) -> None:
        self._random = random
        self._lane_of = lane_of
        self._bounds = bounds
        self._lanes: dict[Lane, deque[Key]] = defaultdict(deque)
        self._turns: dict[Lane, None] = {}
        """The lanes that have a key to work on and are allowed to, in the order of their turns."""
        self._running: dict[Lane, int] = defaultdict(int)
        self._changed = asyncio.Event()
        self._queued: set[Key] = set()
        self._active: set[Key] = set()
        self._again: set[Key] = set()
        self._failures: dict[Key, int] = {}
        self._timers: dict[Key, asyncio.TimerHandle] = {}
        self._due: dict[Key, float] = {}

    def depth(self) -> int:
        """Return how many keys wait for their turn."""
        return len(self._queued)

    def add(self, keys: Iterable[Key]) -> None:
        """Look at these soon; one that is under way now is looked at once more afterwards."""
        for key in keys:
            if key in self._active:
                self._again.add(key)
            elif key not in self._queued:
                self._queued.add(key)
                lane = self._lane_of(key)
                self._lanes[lane].append(key)
                self._offer(lane)

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

    async def run(self, work: Callable[[Key], Awaitable[float | None]]) -> None:
        """Work for ever. `work` returns after how many seconds it wants the key again, or None.

        An exception of `work` brings the key back after a jittered, doubling time; `work` itself says what went wrong.
        """
        async with asyncio.TaskGroup() as tasks:
            while True:
                tasks.create_task(self._work(await self._next(), work))
                await asyncio.sleep(0)  # one key, and whatever else is ready, in each turn of the event loop

    async def _work(self, key: Key, work: Callable[[Key], Awaitable[float | None]]) -> None:
        try:
            after = await work(key)
        except Exception:  # noqa: BLE001  the queue owns retries, whatever went wrong
            after = self._backoff(key)
        else:
            self._failures.pop(key, None)
        self._done(key, after)

    async def _next(self) -> Key:
        while not self._turns or len(self._active) >= self._bounds.total:
            self._changed.clear()
            await self._changed.wait()
        lane = next(iter(self._turns))
        del self._turns[lane]
        key = self._lanes[lane].popleft()
        self._queued.remove(key)
        self._active.add(key)
        self._running[lane] += 1
        self._offer(lane)
        return key

    def _offer(self, lane: Lane) -> None:
        """Give a lane its turn, behind all others, when it has a key to work on and may."""
        if not self._lanes[lane]:
            del self._lanes[lane]
        elif self._running[lane] < self._bounds.lane:
            self._turns.setdefault(lane)
        self._changed.set()

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
        lane = self._lane_of(key)
        self._running[lane] -= 1
        if not self._running[lane]:
            del self._running[lane]
        self._offer(lane)
