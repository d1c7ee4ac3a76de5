"""A queue of work, and work that tests watch and hold."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

from alembic_operator.shell.queue import Bounds, WorkQueue

DEADLINE = 1.0


Work = Callable[[str], Awaitable[float | None]]


class Low(Random):
    """The shortest of all possible delays."""

    def uniform(self, a: float, b: float) -> float:  # noqa: ARG002  the upper end does not matter
        return a / 100


class Desk:
    """Work that notes each key and waits until it is let go on."""

    def __init__(self, *answers: float | Exception | None, held: bool = False) -> None:
        self.seen: list[str] = []
        self.running: list[str] = []
        self.most = 0
        self.go_on = asyncio.Event()
        self._answers = list(answers)
        if not held:
            self.go_on.set()

    async def __call__(self, key: str) -> float | None:
        assert key not in self.running
        self.seen.append(key)
        self.running.append(key)
        self.most = max(self.most, len(self.running))
        await self.go_on.wait()
        self.running.remove(key)
        answer = self._answers.pop(0) if self._answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer


@asynccontextmanager
async def working(queue: WorkQueue[str], work: Work) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run(work))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110  it is the queue that is watched, and it has no such event
            await asyncio.sleep(0.001)


async def quiet() -> None:
    """Let everything that is ready run."""
    for _ in range(50):
        await asyncio.sleep(0)


def a_queue(random: Random | None = None, lane: int = 4, total: int = 4) -> WorkQueue[str]:
    """Return a queue whose keys are in the lane of their first letter."""
    return WorkQueue(random or Low(), lambda key: key[0], Bounds(lane, total))
