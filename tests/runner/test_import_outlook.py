"""How far a load is, as PostgreSQL counts it: what is seen of COPY, and that the process beside a load ends with it."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import urllib.request
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.importing.facts.options import Options
from alembic_operator.importing.outlook import Outlook, beside
from alembic_operator.importing.postgres.connection import connect

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.runner.server import Database

SOON = 20.0


async def seen(outlook: Outlook, does: str) -> dict[str, Any]:
    async with asyncio.timeout(SOON):
        while True:
            found: dict[str, Any] = json.loads(outlook.answer())
            if found["does"] == does:
                return found
            await asyncio.sleep(0.05)


async def test_rows_that_are_loaded_and_compared_are_told_with_the_table_and_how_many_it_has(
    database: Database,
) -> None:
    database.rows("CREATE TABLE people (name text)")
    loading = await connect(database.url(), os.environ)
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def rows() -> AsyncIterator[bytes]:
        yield b"Ada\n" * 20_000
        sent.set()
        await go_on.wait()

    outlook = Outlook({"people": 80_000}, "shop/past-1")
    looking = asyncio.create_task(outlook.watch(database.url(), ""))
    copying = asyncio.create_task(loading.copy_to_table("people", source=rows()))
    await sent.wait()
    found = await seen(outlook, "loads")
    assert (found["run"], found["table"], found["total"]) == ("shop/past-1", "people", 80_000)
    assert 0 < found["rows"] <= 20_000
    go_on.set()
    await copying
    assert (await seen(outlook, ""))["table"] == ""
    looking.cancel()
    with suppress(asyncio.CancelledError):
        await looking
    await loading.close()


def answers() -> list[dict[str, Any]]:
    found = []
    for port in PROGRESS_PORTS:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2) as answer:
            found.append(json.load(answer))
    return [one for one in found if one["run"] == "shop/past-2"]


async def somebody_answers() -> bool:
    async with asyncio.timeout(SOON):
        while True:
            if answers():
                return True
            await asyncio.sleep(0.1)


async def test_whoever_asks_beside_a_load_is_answered_until_it_has_ended(database: Database, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    with closing(sqlite3.connect(copy)) as file, file:
        file.execute("CREATE TABLE people (name TEXT)")
    options = Options(copy, url=database.url())
    with beside(options, dict(os.environ), copy):
        assert answers() == []  # nobody asks for it
    with beside(options, {**os.environ, "ALEMBIC_OPERATOR_PROGRESS": "shop/past-2"}, copy):
        assert await somebody_answers()
    assert answers() == []
