"""Ask running migration pods how far they are, now and then: whoever does not answer is asked again, and no more."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address

from alembic_operator.contract.progress import PROGRESS_BYTES, PROGRESS_PORTS, Progress
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.progress import read_progress
from alembic_operator.kube.cache import Cache, Key

_PERIOD = 10.0
"""Seconds between two questions to a pod, and so between two writes of a status that only they change."""
_PATIENCE = 2.0
"""Seconds for all ports of one pod together; a NetworkPolicy may drop what is sent there."""
_SIDE_BY_SIDE = 64

_REQUEST = b"GET /progress HTTP/1.0\r\n\r\n"


class Answers:
    """What the pods of runs have answered last, until they end."""

    def __init__(self, cache: Cache, wake: Callable[[Iterable[Key]], None], period: float = _PERIOD) -> None:
        """Tell `wake` of the migrations whose pods have answered."""
        self._cache = cache
        self._wake = wake
        self._period = period
        self._last: dict[str, Progress] = {}

    def of(self, pods: Iterable[Pod]) -> Progress | None:
        """Return the newest answer of these pods, as far as they run."""
        found = (self._last.get(one.uid) for one in pods if one.ip)
        return max((one for one in found if one), key=lambda one: one.at, default=None)

    async def run(self) -> None:
        """Ask for ever. A pod is asked when it has run for a period: a short run costs nothing."""
        known: set[str] = set()
        while True:
            await asyncio.sleep(self._period)
            running = [(key, one) for key, one in self._cache.running_pods() if one.ip]
            due = [(key, one) for key, one in running if one.uid in known]
            known = {one.uid for _, one in running}
            self._last = {uid: last for uid, last in self._last.items() if uid in known}
            self._wake(await self._ask_all(due))

    async def _ask_all(self, due: list[tuple[Key, Pod]]) -> set[Key]:
        turns = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def answered(key: Key, pod: Pod) -> Key | None:
            async with turns:
                answer = await ask(pod.ip, f"{key.namespace}/{pod.job}")
            if answer is None:
                return None
            self._last[pod.uid] = answer
            return key

        return {key for key in await asyncio.gather(*(answered(*one) for one in due)) if key}


async def ask(ip: str, run: str) -> Progress | None:
    """Return what a run answers at the first port at which it does; None: nothing, in time.

    On a node's own network another run, or anything else, may have the first ones.
    """
    with suppress(TimeoutError, ValueError):
        address = str(ip_address(ip))  # a name would be looked up, wherever that leads
        async with asyncio.timeout(_PATIENCE):
            for port in PROGRESS_PORTS:
                if answer := read_progress(await _get(address, port), run):
                    return answer
    return None


async def _get(address: str, port: int) -> bytes:
    try:
        reader, writer = await asyncio.open_connection(address, port, limit=PROGRESS_BYTES)
    except OSError:
        return b""
    try:
        writer.write(_REQUEST)
        return await _bounded(reader)
    except OSError:
        return b""
    finally:
        writer.transport.abort()  # whatever is still on its way


async def _bounded(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes, or one byte too many."""
    found = b""
    while len(found) <= PROGRESS_BYTES and (more := await reader.read(PROGRESS_BYTES + 1 - len(found))):
        found += more
    return found
