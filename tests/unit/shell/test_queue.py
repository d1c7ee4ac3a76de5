import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

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


@pytest.fixture
def queue() -> WorkQueue[str]:
    return a_queue()


async def test_a_key_that_waits_is_not_queued_again(queue: WorkQueue[str]) -> None:
    desk = Desk()
    queue.add(["a", "a", "b"])
    queue.add(["b", "a"])
    async with working(queue, desk):
        await until(lambda: len(desk.seen) == 2)
        await quiet()
    assert desk.seen == ["a", "b"]


async def test_keys_that_come_while_all_workers_wait_are_worked_on(queue: WorkQueue[str]) -> None:
    desk = Desk()
    async with working(queue, desk):
        await quiet()
        queue.add(["a"])
        await until(lambda: desk.seen == ["a"])
        queue.add(["b", "c"])
        await until(lambda: desk.seen == ["a", "b", "c"])


async def test_different_keys_run_side_by_side_up_to_a_bound() -> None:
    desk, queue = Desk(held=True), a_queue(total=3)
    queue.add("abcde")
    async with working(queue, desk):
        await until(lambda: len(desk.running) == 3)
        await quiet()
        assert desk.most == 3
        desk.go_on.set()
        await until(lambda: len(desk.seen) == 5)
    assert desk.most == 3


async def test_one_key_runs_once_at_a_time_and_once_more_when_it_was_added_meanwhile(queue: WorkQueue[str]) -> None:
    desk = Desk(held=True)
    queue.add(["a"])
    async with working(queue, desk):
        await until(lambda: desk.running == ["a"])
        queue.add(["a"])
        queue.add(["a", "a"])
        await quiet()
        assert desk.seen == ["a"]
        desk.go_on.set()
        await until(lambda: len(desk.seen) == 2)
        await quiet()
    assert desk.seen == ["a", "a"]
    assert desk.most == 1


async def test_work_that_asks_for_it_gets_its_key_again(queue: WorkQueue[str]) -> None:
    desk = Desk(0.005, 0.005, None)
    queue.add(["a"])
    async with working(queue, desk):
        await until(lambda: len(desk.seen) == 3)
        await asyncio.sleep(0.015)
    assert desk.seen == ["a", "a", "a"]


async def test_a_failure_brings_its_key_back(queue: WorkQueue[str]) -> None:
    desk = Desk(ValueError("no"), OSError("no"), None)
    queue.add(["a"])
    async with working(queue, desk):
        await until(lambda: len(desk.seen) == 3)
        queue.add(["b"])
        await until(lambda: desk.seen[-1] == "b")


async def test_a_failure_of_one_key_does_not_keep_others_waiting() -> None:
    desk, queue = Desk(*[ValueError("no")] * 3), a_queue(total=1)
    queue.add("abc")
    async with working(queue, desk):
        await until(lambda: desk.seen[:3] == ["a", "b", "c"])


async def test_lanes_take_turns_however_many_keys_one_of_them_has() -> None:
    desk, queue = Desk(), a_queue(total=1)
    queue.add([f"a{number}" for number in range(100)])
    queue.add(["b1", "b2", "c1"])
    async with working(queue, desk):
        await until(lambda: len(desk.seen) == 103)
    assert desk.seen[:6] == ["a0", "b1", "c1", "a1", "b2", "a2"]


async def test_what_one_lane_waits_for_keeps_no_other_from_its_turn() -> None:
    desk, queue = Desk(held=True), a_queue(lane=2, total=8)
    queue.add([f"a{number}" for number in range(100)])
    async with working(queue, desk):
        await until(lambda: desk.running == ["a0", "a1"])
        queue.add(["b0", "b1", "b2"])
        await until(lambda: desk.running == ["a0", "a1", "b0", "b1"])
        await quiet()
        assert len(desk.running) == 4
        desk.go_on.set()
        await until(lambda: len(desk.seen) == 103)
    assert queue._running == queue._lanes == {}


async def test_a_key_that_is_added_while_its_lane_is_at_its_bound_gets_its_turn() -> None:
    desk, queue = Desk(held=True), a_queue(lane=1)
    async with working(queue, desk):
        queue.add(["a0"])
        await until(lambda: desk.running == ["a0"])
        queue.add(["a1", "a0"])
        await quiet()
        desk.go_on.set()
        await until(lambda: desk.seen == ["a0", "a1", "a0"])


async def test_the_event_loop_has_its_turn_after_each_key(queue: WorkQueue[str]) -> None:
    turns, seen = 0, []

    async def work(key: str) -> None:
        seen.append((key, turns))

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counter = asyncio.create_task(count())
    queue.add([f"{letter}{number}" for letter in "abcd" for number in range(50)])
    async with working(queue, work):
        await until(lambda: len(seen) == 200)
    counter.cancel()
    assert len({turn for _, turn in seen}) == 200


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
            queue.add_within(["a"], 0.02)
            await asyncio.sleep(0)
        assert desk.seen == []
        await until(lambda: desk.seen == ["a"])
        await asyncio.sleep(0.03)
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


async def test_cancelling_the_queue_ends_its_workers(queue: WorkQueue[str]) -> None:
    desk = Desk(held=True)
    queue.add("ab")
    task = asyncio.create_task(queue.run(desk))
    await until(lambda: len(desk.running) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
