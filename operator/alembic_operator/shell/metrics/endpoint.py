"""Serve GET /metrics on a port of its own."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from prometheus_client import Metric
from prometheus_client.exposition import choose_encoder

from alembic_operator.shell.serving import serving

_END = b"# EOF\n"
"""What OpenMetrics has behind everything."""

_TURN = 0.001
"""Seconds for which a thread may go on when another one wants to; Python's own are 0.005."""


class Collected(Protocol):
    """What is told."""

    def collect(self) -> Iterable[Metric]:
        """Return families with their samples."""
        ...

    def written(self) -> Iterable[tuple[Metric, Iterable[bytes]]]:
        """Return families whose samples are written already."""
        ...


@asynccontextmanager
async def metrics(port: int, collected: Collected) -> AsyncIterator[None]:
    """Serve what is collected, as OpenMetrics for who accepts that; one scrape at a time, in a thread."""
    turn = asyncio.Lock()

    async def scrape(request: web.Request) -> web.StreamResponse:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        async with turn:
            parts = await asyncio.to_thread(rendered, collected, encode)
        response = web.StreamResponse(headers={"Content-Type": content_type})
        await response.prepare(request)
        for part in parts:
            await response.write(part)
        return response

    async with serving(port, [web.get("/metrics", scrape)]):
        yield


@dataclass(frozen=True)
class _One:
    """A registry of one family."""

    metric: Metric

    def collect(self) -> Iterator[Metric]:
        yield self.metric


def rendered(collected: Collected, encode: Callable[..., bytes]) -> list[bytes]:
    """Return the text of all families, one by one: to put the whole of it together would hold up the event loop."""
    with _behind_the_event_loop():
        parts = [part for family, lines in collected.written() for part in (encode(_One(family)), *lines)]
        parts += [encode(_One(family)) for family in collected.collect()]
    if not any(one.endswith(_END) for one in parts):
        return parts
    return [*(one.removesuffix(_END) for one in parts), _END]


@contextmanager
def _behind_the_event_loop() -> Iterator[None]:
    """Let this thread hold up the event loop for a moment at most, 10,000 migrations or not.

    The event loop waits for this thread's turn to end whenever it wakes; and a collection of garbage would look through
    all of 100,000 samples at once, which leave none.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(_TURN)
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        sys.setswitchinterval(interval)
