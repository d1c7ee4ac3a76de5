"""Run an env.py once more that ended for want of an event loop, of a worker thread, or of what its caller hands over.

A program that calls Alembic itself may hand its connection over, or call from its event loop or a worker thread of it;
its env.py then takes that for granted.
"""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from alembic_operator.runner.project.attributes import Attributes

Way = Callable[[Callable[[], None]], None]


def missed(error: BaseException, attributes: Attributes) -> Way | None:
    """Return another way to run an env.py that failed before it configured anything; None: nothing was missed."""
    if type(error).__name__ == "NoEventLoopError" or "AnyIO worker thread" in str(error):
        return _in_a_worker_of_anyio
    if isinstance(error, RuntimeError) and "no running event loop" in str(error):
        return _inside_a_loop
    return attributes.give if attributes.refused else None


def _in_a_worker_of_anyio(env: Callable[[], None]) -> None:
    anyio: Any = importlib.import_module("anyio")
    to_thread: Any = importlib.import_module("anyio.to_thread")
    anyio.run(to_thread.run_sync, env)


def _inside_a_loop(env: Callable[[], None]) -> None:
    async def loop() -> None:
        env()
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))  # env.py may leave it to a task

    asyncio.run(loop())
