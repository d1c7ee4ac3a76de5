import asyncio

import pytest

from alembic_operator.shell.queue import WorkQueue
from tests.unit.shell.desk import Desk, a_queue, quiet, until, working


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


async def test_cancelling_the_queue_ends_its_workers(queue: WorkQueue[str]) -> None:
    desk = Desk(held=True)
    queue.add("ab")
    task = asyncio.create_task(queue.run(desk))
    await until(lambda: len(desk.running) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
