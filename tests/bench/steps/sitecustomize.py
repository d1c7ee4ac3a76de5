"""Note each step of an event loop that takes long: Python loads this by itself where PYTHONPATH leads here."""

import asyncio
import asyncio.events
import gc
import json
import os
import time
from typing import Any

_LONG = 0.02
"""Seconds from which on a step is written down."""

_run = asyncio.events.Handle._run


_collected = [0.0, 0.0]
"""When a collection of garbage began, and how long all of them took."""


def _timed(handle: asyncio.events.Handle) -> None:
    begun, busy, collected = time.perf_counter(), time.thread_time(), _collected[1]
    _run(handle)
    if (took := time.perf_counter() - begun) > _LONG:
        cpu, garbage = time.thread_time() - busy, _collected[1] - collected
        step = {"at": time.monotonic(), "ms": took * 1000, "cpu_ms": cpu * 1000, "gc_ms": garbage * 1000}
        with open(os.environ["STEPS"], "a") as file:  # noqa: PTH123  no import of its own in somebody's process
            file.write(json.dumps(step | {"what": _what(handle)}) + "\n")


def _collecting(phase: str, _: object) -> None:
    now = time.thread_time()
    if phase == "start":
        _collected[0] = now
    else:
        _collected[1] += now - _collected[0]


def _what(handle: Any) -> str:
    owner = getattr(handle._callback, "__self__", None)
    coroutine = owner.get_coro() if isinstance(owner, asyncio.Task) else handle._callback
    return str(getattr(coroutine, "__qualname__", coroutine))


if "STEPS" in os.environ:
    gc.callbacks.append(_collecting)
    asyncio.events.Handle._run = _timed  # type: ignore[assignment, method-assign]
