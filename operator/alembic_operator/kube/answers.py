"""Ask running migration pods how far they are, now and then: whoever does not answer is asked again, and no more."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from ipaddress import ip_address
from typing import Any, Protocol

from alembic_operator.contract.progress import PROGRESS_BYTES, PROGRESS_PORTS, Progress
from alembic_operator.core.observation.pods import Pod
from alembic_operator.core.observation.progress import read_progress, together
from alembic_operator.core.observation.reading import moment
from alembic_operator.kube.cache import ImportKey, Key

_PERIOD = 10.0
"""Seconds until a pod is asked first, and between two answers of it, and so between two writes that only they cause."""
_PATIENCE = 2.0
"""Seconds for all ports of one pod together; a NetworkPolicy may drop what is sent there."""
_SIDE_BY_SIDE = 64

_REQUEST = b"GET / HTTP/1.0\r\n\r\n"


Read = Callable[[bytes, str], Any]
"""Reads an answer to a run of that name; None: it is none."""


class Runs(Protocol):
    """A pod of any kind of Job that can be asked how far it is."""

    @property
    def uid(self) -> str:
        """Its identity."""

    @property
    def job(self) -> str:
        """Name of its Job."""

    @property
    def ip(self) -> str:
        """Where it answers; empty: it does not."""

    @property
    def running_since(self) -> str:
        """When it began to."""


@dataclass
class _Asked:
    """A pod that is asked as long as it runs."""

    pod: Any
    due: float
    """When to ask it next."""
    answer: Any = None


class Answers:
    """What the pods of runs that are under way have answered last."""

    def __init__(
        self, wake: Callable[[Iterable[Any]], None], period: float = _PERIOD, read: Read = read_progress
    ) -> None:
        """Tell `wake` of the migrations, or imports, whose pods have answered; `read` understands an answer."""
        self._read = read
        self._wake = wake
        self._period = period
        self._asked: dict[Key | ImportKey, dict[str, _Asked]] = {}

    def of(self, key: Key, pods: Collection[Pod], now: datetime) -> Progress | None:
        """Return the newest answer of a migration's pods; those that run are asked from now on, and no others."""
        found = self.each(key, pods, now)
        return together(pods, found) if found else None

    def each(self, key: Key | ImportKey, pods: Collection[Runs], now: datetime) -> Sequence[tuple[Any, Any]]:
        """Return pods with what they have answered last; those that run are asked from now on, and no others."""
        running = {one.uid: one for one in pods if one.ip}
        before = self._asked.pop(key, {})
        if not running:
            return ()
        asked = {uid: before.get(uid) or _Asked(one, self._first(one, now)) for uid, one in running.items()}
        self._asked[key] = asked
        return [(one.pod, one.answer) for one in asked.values() if one.answer]

    def _first(self, pod: Runs, now: datetime) -> float:
        """Return when to ask a pod first: at once where it has lasted, as after a restart of this operator."""
        since = moment(pod.running_since)
        lasted = (now - since).total_seconds() if since else 0.0
        return asyncio.get_running_loop().time() + min(max(self._period - lasted, 0.0), self._period)

    def forget(self, key: Key | ImportKey) -> None:
        """Ask no pod of an object that is gone."""
        self._asked.pop(key, None)

    async def run(self) -> None:
        """Ask for ever."""
        time = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(self._period / 10)
            due = [(key, one) for key, those in self._asked.items() for one in those.values() if one.due <= time()]
            self._wake(await self._ask(due))

    async def _ask(self, due: list[tuple[Key | ImportKey, _Asked]]) -> set[Key | ImportKey]:
        """Ask these, and return whose have answered."""
        turns, time = asyncio.Semaphore(_SIDE_BY_SIDE), asyncio.get_running_loop().time

        async def answered(key: Key | ImportKey, one: _Asked) -> bool:
            async with turns:
                answer = await ask(one.pod.ip, f"{key.namespace}/{one.pod.job}", self._read)
            one.answer, one.due = answer or one.answer, time() + self._period
            return answer is not None

        said = await asyncio.gather(*(answered(*one) for one in due))
        return {key for (key, _), yes in zip(due, said, strict=True) if yes}


async def ask(ip: str, run: str, read: Read = read_progress) -> Any:
    """Return what a run answers at the first port at which it does; None: nothing, in time.

    On a node's own network another run, or anything else, may have the first ones.
    """
    with suppress(TimeoutError, ValueError):
        address = str(ip_address(ip))  # a name would be looked up, wherever that leads
        async with asyncio.timeout(_PATIENCE):
            for port in PROGRESS_PORTS:
                if answer := read(await _get(address, port), run):
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
