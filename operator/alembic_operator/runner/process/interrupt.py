"""End the run when SIGTERM comes or the deadline is reached, even while a driver is stuck in C code."""

from __future__ import annotations

import _posixsubprocess
import os
import signal
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process import threads
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alembic_operator.contract.progress import WaitingFor
    from alembic_operator.runner.process.journal import Journal

_SIGNALS = {signal.SIGTERM, signal.SIGINT}
_NUDGE = signal.SIGURG  # ignored by default, and used by nobody else in Python
_CANCEL_EVERY = 0.2
_NUDGE_AFTER = 0.8
"""By then a cancelled statement has unwound; a revision that is busy in Python has not, and holds its locks."""
_GIVE_UP_AFTER = 8.0
_UNWOUND = "; what was running was cancelled and rolled back"
_LEFT = "; what was running did not end and was left: the server rolls back what is not committed, and nothing else"
IMPATIENT = 0.9
"""Seconds until who changes nothing, and so has nothing to unwind, gives up: just after the nudge."""


def block() -> None:
    """Keep the signals for the listening thread; call it before any other thread exists, for threads inherit it."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)


def _block_again(number: int, _frame: Any) -> None:
    """Hand a signal on to the listening thread: a library has let it through, as multiprocessing does."""
    block()
    os.kill(os.getpid(), number)


def _spare_children() -> None:
    """Let child processes hear these signals: they would inherit that they are blocked, and outlive a terminate()."""
    os.register_at_fork(after_in_child=_as_usual)
    original: Any = _posixsubprocess.fork_exec

    def fork_exec(*arguments: Any) -> Any:
        before = signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        try:
            return original(*arguments)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    _posixsubprocess.fork_exec = fork_exec
    subprocess = sys.modules.get("subprocess")
    if hasattr(subprocess, "_fork_exec"):  # since Python 3.11 it keeps the function itself
        subprocess._fork_exec = fork_exec  # type: ignore[union-attr]  # noqa: SLF001


def _as_usual() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)


class Stop:
    """The request to end the run, and those who must hear of it.

    SIGTERM is blocked in every thread and taken by a thread of its own: as process 1 nothing would happen
    otherwise, and a handler in the main thread would wait until the running statement is over.
    """

    def __init__(self, journal: Journal, deadline: float | None = None, patience: float = _GIVE_UP_AFTER) -> None:
        self._journal = journal
        self._patience = patience
        self._end = None if deadline is None else time.monotonic() + deadline
        self._requested = threads.Event()
        self._unwound = threads.Event()
        self._undisturbed = False
        self._ending: Ending | None = None
        self._main = threads.get_ident()
        self.cancel: Callable[[], None] = lambda: None
        """Cancels the statements that are running."""
        self.give_up: Callable[[Ending], None] = lambda ending: os._exit(int(ending.verdict.code))
        """Ends the process when nothing else helped."""
        self.waiting_for = ""
        """What the run waits for; a deadline's message names it."""
        self.held_up_by: tuple[str, WaitingFor] | None = None
        """The lock that keeps the whole run waiting, and who holds it."""
        self.overdue: Ending | None = None
        """What a deadline says instead, when it passes now."""

    def watch(self) -> None:
        """Begin to listen; call it in the main thread."""
        signal.signal(_NUDGE, self._nudged)
        for number in _SIGNALS:
            signal.signal(number, _block_again)
        _spare_children()
        threads.Thread(target=self._listen, name="stop", daemon=True).start()

    @property
    def requested(self) -> Ending | None:
        """What ends the run, once it was asked to end."""
        return self._ending

    @property
    def remaining(self) -> float | None:
        """Seconds until the deadline; None: there is none."""
        return None if self._end is None else self._end - time.monotonic()

    def check(self) -> None:
        """Raise Ending when the run was asked to end; else go on with all signals blocked, also in C code."""
        block()
        if self._ending and not self._unwound.is_set():
            raise self._ending

    def pause(self, seconds: float) -> None:
        """Sleep, or raise Ending as soon as the run is asked to end."""
        self._requested.wait(seconds)
        self.check()

    @contextmanager
    def waiting(self, what: str) -> Iterator[None]:
        """Know what the run waits for meanwhile, inside of something else."""
        before, self.waiting_for = self.waiting_for, what
        try:
            yield
        finally:
            self.waiting_for = before

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Let the main thread say what happened: on a busy machine the nudge comes when all has unwound already."""
        self._undisturbed = True
        try:
            yield
        finally:
            self._undisturbed = False

    def unwound(self) -> None:
        """Say that nothing is running any more, so that what is left may finish undisturbed."""
        self._unwound.set()

    def again(self) -> None:
        """Say that something else begins to run in this process, which is to be stopped, too."""
        self.waiting_for, self.overdue, self.held_up_by = "", None, None
        self._unwound.clear()

    def _listen(self) -> None:
        caught = None
        while caught is None and (self._end is None or self._end > time.monotonic()):
            caught = signal.sigtimedwait(
                _SIGNALS, 3600.0 if self._end is None else max(0.0, self._end - time.monotonic())
            )
        self._ending = _interrupted(caught.si_signo) if caught else self.overdue or _too_long(self.waiting_for)
        message = str(self._ending).replace(_UNWOUND, "")  # what becomes of what runs is seen later
        self._journal.warning("stopping", reason=str(self._ending.verdict.reason), message=message)
        self._requested.set()
        for delay, action in ((_NUDGE_AFTER, self._nudge), (self._patience, self._give_up)):
            timer = threads.Timer(delay, action)
            timer.daemon = True
            timer.start()
        self._cancel_until_unwound()

    def _cancel_until_unwound(self) -> None:
        while not self._unwound.is_set():
            try:
                self.cancel()
            except Exception as error:  # noqa: BLE001  the drivers share no class, and giving up comes next anyway
                self._journal.warning("cannot cancel the running statement", error=str(error))
            self._unwound.wait(_CANCEL_EVERY)

    def _nudge(self) -> None:
        if not self._unwound.is_set():
            signal.pthread_kill(self._main, _NUDGE)

    def _nudged(self, *_: Any) -> None:
        if not self._undisturbed:
            self.check()

    def _give_up(self) -> None:
        if self._ending:
            self.give_up(_left(self._ending))


def _interrupted(number: int) -> Ending:
    name = signal.Signals(number).name
    hint = "It is tried again; give terminationGracePeriodSeconds when the pod was stopped too early."
    return Ending(Reason.INTERRUPTED, f"stopped by {name}{_UNWOUND}", hint)


def _left(ending: Ending) -> Ending:
    """Return the ending of a run that did not unwind, and so cannot say what was committed."""
    failure = ending.verdict.failure
    hint = f"{failure.hint} If a part of it is committed, the next run says so."
    failure = replace(failure, message=failure.message.replace(_UNWOUND, _LEFT), hint=hint)
    return Ending.of(replace(ending.verdict, failure=failure))


def _too_long(waiting_for: str) -> Ending:
    where = f" while waiting for {waiting_for}" if waiting_for else ""
    return Ending(Reason.DEADLINE_EXCEEDED, f"the deadline was reached{where}", "Give more spec.policy.deadline.")
