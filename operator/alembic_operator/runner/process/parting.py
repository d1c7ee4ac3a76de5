"""Run at the end what the application asked for with atexit, for a bounded time: Sentry, OpenTelemetry send there."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from alembic_operator.runner.process import threads

if TYPE_CHECKING:
    from alembic_operator.runner.process.journal import Journal

SECONDS = 5.0
"""Longer than Sentry waits, shorter than the grace that a pod has left after a SIGTERM."""


def part(code: int, journal: Journal, seconds: float = SECONDS) -> None:
    """Run the handlers; who does not return in time, or ends the process, ends it with this exit code."""
    if not atexit._ncallbacks():  # noqa: SLF001  as CPython's own tests ask
        return
    leave = os._exit

    def late() -> None:
        journal.warning("handlers of atexit did not return", seconds=seconds)
        leave(code)

    os._exit = lambda status: leave(code)  # noqa: ARG005  the name that callers may say
    timer = threads.Timer(seconds, late)
    timer.daemon = True
    timer.start()
    with suppress(BaseException):  # Python has printed it
        atexit._run_exitfuncs()  # noqa: SLF001  in this thread, as Python itself does
    for stream in (sys.stdout, sys.stderr):
        with suppress(Exception):
            stream.flush()
    timer.cancel()
    os._exit = leave
