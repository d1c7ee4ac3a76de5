"""When a key is looked at again: after its time, after news, after failures."""

import asyncio
from random import Random

from alembic_operator.shell.queue import WorkQueue
from tests.unit.shell.desk import Desk, a_queue, quiet, until, working


async def test_a_later_time_replaces_an_earlier_one(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        queue.add_after("a", 0.001)
        queue.add_after("a", 60)
        await asyncio.sleep(0.01)
    assert desk.seen == []


async def test_an_earlier_time_replaces_a_later_one(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        queue.add_after("a", 60)
        queue.add_after("a", 0)
        await until(lambda: desk.seen == ["a"])


async def test_news_do_not_wait_for_the_time_that_was_set_and_make_it_void(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        queue.add_after("a", 0.01)
        queue.add(["a"])
        await until(lambda: desk.seen == ["a"])
        await asyncio.sleep(0.02)
    assert desk.seen == ["a"]


async def test_news_in_a_swarm_are_one_look(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        for _ in range(50):
            queue.add_within(["a"], 0.2)  # long enough for a machine that stands still for a moment
            await asyncio.sleep(0)
        assert desk.seen == []
        await until(lambda: desk.seen == ["a"])
        await asyncio.sleep(0.3)
    assert desk.seen == ["a"]


async def test_news_in_a_swarm_put_nothing_off(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        queue.add_after("a", 0.005)
        queue.add_within(["a"], 60)
        await until(lambda: desk.seen == ["a"])
        queue.add(["a"])
        queue.add_within(["a"], 60)
        await until(lambda: desk.seen == ["a", "a"])


async def test_news_in_a_swarm_that_come_during_a_look_are_looked_at_after_it(queue: WorkQueue[str]) -> None:
    desk = Desk(60, None, held=True)
    queue.add(["a"])
    async with working(queue, desk):
        await until(lambda: desk.running == ["a"])
        queue.add_within(["a"], 0.005)
        desk.go_on.set()
        await until(lambda: desk.seen == ["a", "a"])
        await quiet()
    assert desk.seen == ["a", "a"]


class Loud(Random):
    """Notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[float, float]] = []

    def uniform(self, a: float, b: float) -> float:
        self.asked.append((a, b))
        return 0.0


async def test_the_wait_after_failures_doubles_up_to_a_minute_and_starts_anew_after_a_success() -> None:
    random = Loud()
    queue = a_queue(random)
    desk = Desk(*[ValueError("no")] * 10, None, ValueError("no"))
    queue.add(["a"])
    async with working(queue, desk):
        await until(lambda: len(desk.seen) == 11)
        await quiet()
        queue.add(["a"])
        await until(lambda: len(random.asked) == 11)
    assert [round(longest, 3) for _, longest in random.asked] == [
        0.4,
        0.8,
        1.6,
        3.2,
        6.4,
        12.8,
        25.6,
        51.2,
        60,
        60,
        0.4,
    ]
    assert all(shortest == longest / 2 for shortest, longest in random.asked)
