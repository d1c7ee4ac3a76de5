"""Running pods are asked how far they are: a real listener answers a real operator, and rubbish changes nothing."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from alembic_operator.contract import PROGRESS_VARIABLE
from alembic_operator.contract.progress import PROGRESS_BYTES, PROGRESS_PORTS, Progress, WaitingFor
from alembic_operator.core.observation.pods import Pod
from alembic_operator.kube.answers import Answers, ask
from alembic_operator.kube.cache import Key
from devcluster.controlplane import ApiServer
from tests.api.listener import listening
from tests.api.operator_process import OperatorProcess, account
from tests.api.rest import Rest
from tests.api.shop import MIGRATION, Shop, message, until
from tests.unit.core.builders import NOW, at, running

pytest_plugins = ["tests.api.operator_fixtures"]
pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports

RUN = "shop/users-1"
KEY = Key("shop", "users")
ANSWER = Progress(at=2000, since=1760, moved=1760, run=RUN, revision="b2", index=2, of=3, waiting_for=WaitingFor(4711))
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def node(*talks: Talk) -> AsyncIterator[str]:
    """Have something listen at the first ports of an address of this machine's own."""
    address = f"127.{uuid.uuid4().int % 200 + 20}.{uuid.uuid4().int % 250 + 1}.1"
    servers = [
        await asyncio.start_server(talk, address, port) for talk, port in zip(talks, PROGRESS_PORTS, strict=False)
    ]
    yield address
    for one in servers:
        one.close()
    await asyncio.sleep(0.1)  # who is still talking sees that nobody listens


def says(body: Progress) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps(asdict(body)).encode())
        writer.close()

    return talk


async def without_end(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            writer.write(b"HTTP/1.0 200 OK\r\n\r\n" + b" " * PROGRESS_BYTES)
            await writer.drain()
    except ConnectionError:
        writer.transport.abort()


async def silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read()
    writer.transport.abort()


async def hangs_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def test_a_run_is_found_behind_whatever_else_a_node_has() -> None:
    another = says(replace(ANSWER, run="shop/agents-1"))
    async with node(another, without_end, hangs_up, says(ANSWER)) as address:
        assert await ask(address, RUN) == ANSWER


async def test_who_keeps_silent_is_left_after_two_seconds_and_a_name_is_not_looked_up() -> None:
    async with node(silence, says(ANSWER)) as address:
        began = time.monotonic()
        assert await ask(address, RUN) is None
        assert 1.9 < time.monotonic() - began < 10
    async with node() as nobody:
        assert await ask(nobody, RUN) is None
    assert await ask("localhost", RUN) is None


@pytest.mark.parametrize(("lasted", "first"), [(0, 10), (4, 6), (3600, 0), (-3600, 10)])
async def test_a_pod_is_asked_when_it_has_run_for_ten_seconds(lasted: float, first: float) -> None:
    answers = Answers(wake=lambda _: None)
    answers.of(KEY, (replace(a_pod("127.0.0.1"), running_since=at(-lasted)),), NOW)
    (asked,) = answers._asked[KEY].values()
    assert asked.due - asyncio.get_running_loop().time() == pytest.approx(first, abs=1)


async def test_a_pod_is_asked_while_it_runs_and_what_it_said_last_stays_when_it_falls_silent() -> None:
    woken: list[Key] = []
    twice = asyncio.Event()

    def wake(keys: Iterable[Key]) -> None:
        woken.extend(keys)
        if len(woken) > 1:
            twice.set()

    answers = Answers(wake, period=0.2)
    async with asyncio.TaskGroup() as tasks:
        asking = tasks.create_task(answers.run())
        async with node(says(ANSWER)) as address:
            pods = (a_pod(address),)
            assert answers.of(KEY, pods, NOW) is None
            async with asyncio.timeout(20):
                await twice.wait()
            assert answers.of(KEY, pods, NOW) == ANSWER
        woken.clear()
        await asyncio.sleep(1)
        assert (woken, answers.of(KEY, pods, NOW)) == ([], ANSWER)
        assert answers.of(KEY, (), NOW) is None
        assert answers.of(KEY, pods, NOW) is None, "of a run that has ended nothing is kept"
        asking.cancel()


def a_pod(address: str) -> Pod:
    return running("users-1", uid="pod-1", ip=address, running_since=at(-60))


@pytest.fixture
def asking(cluster: ApiServer, admin: Rest, empty_shop: Shop, tmp_path: Path) -> Iterator[OperatorProcess]:
    """Start an operator that asks migration pods."""
    kubeconfig = account(admin, cluster, empty_shop.namespace, tmp_path, empty_shop.namespace)
    process = OperatorProcess(kubeconfig, (f"--namespace={empty_shop.namespace}", "--progress")).start()
    yield process
    process.kill()


def test_the_status_says_how_far_a_run_is_while_it_lasts_and_is_written_once_in_ten_seconds(
    asking: OperatorProcess, empty_shop: Shop
) -> None:
    del asking
    shop = empty_shop
    shop.migrate()
    pod = shop.pod()
    (told,) = (one for one in pod["spec"]["containers"][0]["env"] if one["name"] == PROGRESS_VARIABLE)
    run = f"{shop.namespace}/{shop.job()['metadata']['name']}"
    assert told["value"] == run
    now = time.time()
    said = replace(ANSWER, run=run, since=now - 240, moved=now - 240)
    with listening(said):
        shop.kubelet.starts(pod, address="127.0.0.1")
        until(lambda: "progress" in shop.status(), shop.status)
        first = shop.see()
        until(lambda: shop.status()["progress"]["at"] != first["status"]["progress"]["at"], shop.status)
    progress = first["status"]["progress"]
    assert (progress["revision"], progress["index"], progress["of"]) == ("b2", 2, 3)
    assert progress["waitingFor"] == {"pid": 4711}
    assert message(first["status"]) == "revision 2 of 3, b2, for 4 min: waits for pid 4711"
    shop.kubelet.ends(pod, 0, "")
    until(lambda: "progress" not in shop.status(), shop.status)
    writes = [one["object"] for one in shop.changes(MIGRATION, first) if one["type"] == "MODIFIED"]
    times = [one["status"]["progress"]["at"] for one in writes if "progress" in one["status"]]
    assert len(times) == len(set(times)) == 1, "one more answer, one write"
