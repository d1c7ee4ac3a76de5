"""Let one of several operator processes act: it holds a Lease, and stops before another one can get it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable

import structlog

from alembic_operator.core.lease import Lease, Sighting, free_at, sighting
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
        seen: Sighting | None = None
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
        if self._leads() and self._lease:
            with contextlib.suppress(*_NO_ANSWER):
                async with asyncio.timeout(self._terms.patience):
                    await self._lock.release(self._lease)
                    log.info("lease released")
        self._lease = None

    def _leads(self) -> bool:
        return self._lease is not None and self._clock() < self._until

    async def _look(self, before: Sighting | None) -> Sighting:
        return sighting(before, await self._lock.read(), self._clock())

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
    lock: LeaseLock, standing_by: Callable[[], None]
) -> AsyncIterator[tuple[Leadership, asyncio.Task[None]]]:
    """Wait until this process leads, and give the Lease back at the end; the task ends when it is lost before."""
    leadership = Leadership(lock)
    await leadership.win(standing_by)
    keeper = asyncio.create_task(leadership.keep())
    try:
        yield leadership, keeper
    finally:
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        await leadership.release()


def _words(error: BaseException) -> str:
    return str(error) or type(error).__name__
