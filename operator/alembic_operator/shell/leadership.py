"""Let one of several operator processes act: it holds a Lease, and stops before another one can get it."""

import asyncio
import contextlib
import threading
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import structlog

from alembic_operator.core.lease import Lease, ObservedLease, Terms, free_at, observed
from alembic_operator.kube.client import connected
from alembic_operator.kube.errors import ApiError, ConflictError, LeaseLostError, NotFoundError
from alembic_operator.kube.lease import LeaseLock

log = structlog.get_logger()

_NO_ANSWER = (ApiError, OSError, TimeoutError)


def _clock() -> float:
    """Return seconds that only go forward, also while the machine sleeps; nobody can set this clock."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Leadership:
    """This process's part in the election."""

    def __init__(self, lock: LeaseLock, clock: Callable[[], float] = _clock) -> None:
        self._lock = lock
        self._terms = lock.terms
        self._clock = clock
        self._lease: Lease | None = None
        """As this process has written it; None: it does not lead."""
        self._until = 0.0

    def check(self) -> None:
        """Refuse to go on without the Lease.

        Raises:
            LeaseLostError: another process may lead now.
        """
        if not self._leads():
            raise LeaseLostError

    async def win(self, standing_by: Callable[[], None]) -> None:
        """Return when this process leads; tell each time that another one does."""
        seen: ObservedLease | None = None
        while True:
            wait = self._terms.pause
            try:
                async with asyncio.timeout(self._terms.patience):
                    before, seen = seen, await self._look(seen)
                    left = free_at(seen, self._terms) - self._clock()
                    if left <= 0:
                        return await self._take(seen.lease)
                wait = min(wait, left)
                standing_by()
                if before is None or before.lease.holder != seen.lease.holder:
                    log.info("standing by", leader=seen.lease.holder)
            except ConflictError:
                pass  # another one was quicker
            except _NO_ANSWER as error:
                log.warning("cannot take part in the election", error=_words(error))
            await asyncio.sleep(wait)

    async def keep(self) -> None:
        """Renew the Lease for ever; return when it is lost."""
        while self._leads():
            try:
                async with asyncio.timeout(self._terms.patience):
                    await self._renew()
            except _NO_ANSWER as error:
                log.warning("cannot renew the lease", error=_words(error))
            await asyncio.sleep(self._terms.pause)
        log.error("lease lost")

    async def release(self) -> None:
        """Let another process lead at once, if this one still does: it must have stopped acting."""
        if self._leads():
            with contextlib.suppress(*_NO_ANSWER):
                async with asyncio.timeout(self._terms.patience):
                    await self._give_back()
        self._lease = None

    async def _give_back(self) -> None:
        """Write that nobody holds it; what is known of it may be old, where a renewal was not answered."""
        while (lease := await self._lock.read()).holder == self._terms.holder:
            with contextlib.suppress(ConflictError):
                await self._lock.release(lease)
                log.info("lease released")
                return

    def _leads(self) -> bool:
        return self._lease is not None and self._clock() < self._until

    async def _look(self, before: ObservedLease | None) -> ObservedLease:
        return observed(before, await self._lock.read(), self._clock())

    async def _take(self, lease: Lease) -> None:
        asked = self._clock()  # not when the answer comes: whoever sees the new version counts from later on
        self._lease = await self._lock.take(lease)
        self._until = asked + self._terms.leads_for
        if lease.holder != self._terms.holder:
            log.info("leading", lease=f"{self._terms.namespace}/{self._terms.name}")

    async def _renew(self) -> None:
        try:
            await self._take(self._lease or await self._lock.read())
        except (ConflictError, NotFoundError):  # an answer that got lost, or a person's hand: look whose it is now
            lease = await self._lock.read()
            self._lease = lease if lease.holder == self._terms.holder else None


@contextlib.asynccontextmanager
async def leading(
    terms: Terms, standing_by: Callable[[], None]
) -> AsyncIterator[tuple[Leadership, asyncio.Future[None]]]:
    """Wait until this process leads, and give the Lease back at the end; the future ends when it is lost before.

    The election has a thread, an event loop and a connection of its own: no work of the operator keeps it waiting.
    """
    campaign = _Campaign(terms, standing_by)
    thread = asyncio.create_task(asyncio.to_thread(campaign.run))
    try:
        leadership = await _first(campaign.won, thread)
        yield leadership, asyncio.ensure_future(asyncio.shield(thread))
    finally:
        campaign.stop()
        await asyncio.wait([thread])


async def _first(won: asyncio.Future[Leadership], thread: asyncio.Task[None]) -> Leadership:
    """Return when it is won; a thread that ends before has failed."""
    either: list[asyncio.Future[Any]] = [won, thread]
    await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    if not won.done():
        thread.result()
    return won.result()


class _Campaign:
    """The election, as a thread runs it for an event loop that may be busy."""

    def __init__(self, terms: Terms, standing_by: Callable[[], None]) -> None:
        self._terms = terms
        self._standing_by = standing_by
        self._home = asyncio.get_running_loop()
        self.won: asyncio.Future[Leadership] = self._home.create_future()
        self._own: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._stopped = threading.Event()

    def run(self) -> None:
        """Win, keep the Lease until it is lost or that must stop, and give it back."""
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(self._run())

    def stop(self) -> None:
        """End it; may be called from another thread."""
        self._stopped.set()
        if self._own and self._task:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                self._own.call_soon_threadsafe(self._task.cancel)

    async def _run(self) -> None:
        self._own, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self._stopped.is_set():
            return
        async with connected() as server:
            leadership = Leadership(LeaseLock(server, self._terms))
            await leadership.win(lambda: self._tell(self._standing_by))
            self._tell(self._win, leadership)
            try:
                await leadership.keep()
            finally:
                await leadership.release()

    def _win(self, leadership: Leadership) -> None:
        if not self.won.done():
            self.won.set_result(leadership)

    def _tell(self, what: Callable[..., None], *arguments: Any) -> None:
        self._home.call_soon_threadsafe(what, *arguments)


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
