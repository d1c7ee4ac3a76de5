"""Keep the application from ending the process past everything that reads back and reports."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process import threads
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def reported(give_up: Callable[[Ending], None]) -> Iterator[None]:
    """Make `os._exit()` end env.py as `sys.exit()` does: after os._exit(0) pods would start that nobody looked for."""
    original, process, thread = os._exit, os.getpid(), threads.get_ident()

    def leave(code: int) -> None:
        if os.getpid() != process:
            original(code)  # a child process ends as it likes
        if threads.get_ident() != thread:  # nothing that is raised here would reach the run
            give_up(Ending(Reason.ENV_FAILED, f"a thread ended the process with os._exit({code})"))
        raise SystemExit(f"os._exit({code})")

    os._exit = leave  # type: ignore[assignment]
    try:
        yield
    finally:
        os._exit = original
