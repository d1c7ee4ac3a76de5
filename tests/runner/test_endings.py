"""The way to the database may end with env.py: a connector, a tunnel, a pool, or a role that it took."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.rivals import users

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

HEAD = """
import os, socket, threading
import psycopg2
from alembic import context
from sqlalchemy import create_engine, make_url, text

URL = make_url(os.environ["APP_URL"])

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""

CONNECTOR = """
class Connector:
    closed = False
    def __enter__(self):
        return self
    def __exit__(self, *_):
        self.closed = True
    def connect(self):
        if self.closed:
            raise RuntimeError("the connector is closed")
        return psycopg2.connect(os.environ["APP_URL"].replace("+psycopg2", ""))
"""

TUNNEL = """
class Tunnel:
    def __enter__(self):
        self.server, self.ends = socket.create_server(("127.0.0.1", 0)), []
        threading.Thread(target=self.serve, daemon=True).start()
        return URL.set(host="127.0.0.1", port=self.server.getsockname()[1])
    def serve(self):
        while True:
            try:
                here = self.server.accept()[0]
            except OSError:
                return
            there = socket.create_connection((URL.host, URL.port))
            self.ends += [here, there]
            for one, other in ((here, there), (there, here)):
                threading.Thread(target=self.pump, args=(one, other), daemon=True).start()
    def pump(self, one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
    def __exit__(self, *_):
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        for end in self.ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
"""

WAYS = {
    "a connector": CONNECTOR
    + """
with Connector() as connector, create_engine("postgresql+psycopg2://", creator=connector.connect).connect() as one:
    migrate(one)
""",
    "a connector, in a transaction": CONNECTOR
    + """
with Connector() as connector, create_engine("postgresql+psycopg2://", creator=connector.connect).begin() as one:
    migrate(one)
""",
    "a tunnel": TUNNEL
    + """
with Tunnel() as url, create_engine(url).connect() as one:
    migrate(one)
""",
    "a tunnel, in a transaction": TUNNEL
    + """
with Tunnel() as url, create_engine(url).begin() as one:
    migrate(one)
""",
    "a tunnel, and a connection that nobody gives back": TUNNEL
    + """
with Tunnel() as url:
    one = create_engine(url).connect()
    migrate(one)
""",
}


@pytest.mark.parametrize("way", WAYS)
def test_a_way_that_ends_with_env_py_is_no_failure(
    any_project: Project, runner: Runner, database: Database, way: str
) -> None:
    any_project.begin().table("one").write("migrations/env.py", HEAD + WAYS[way])
    variables = {"APP_URL": database.url("psycopg2")}
    for command, reason, heads in (("check", "Pending", []), ("upgrade", "UpToDate", ["one"])):
        run = runner.run(any_project, command, **variables)
        assert (run.code, run.result.reason, database.heads()) == (0, reason, heads), run.stderr
    assert run.said("read back earlier")[0]["message"].startswith("read back while env.py ran")
    gate = runner.run(any_project, "gate", **variables)
    assert (gate.code, gate.result.reason, gate.result.to) == (0, "UpToDate", ("one",)), gate.stderr


LOOP = """
import asyncio, os
import asyncpg
from alembic import context
from sqlalchemy.ext.asyncio import create_async_engine

def migrate(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()

async def main():
    here = asyncio.get_running_loop()
    async def connect():
        if asyncio.get_running_loop() is not here:
            raise RuntimeError("Running event loop does not match 'connector._loop'")
        return await asyncpg.connect(os.environ["APP_URL"].replace("+asyncpg", ""))
    engine = create_async_engine("postgresql+asyncpg://", async_creator=connect)
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
    await engine.dispose()

asyncio.run(main())
"""


def test_a_connector_that_knows_only_the_loop_of_env_py_serves_as_long_as_that_runs(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").table("two").write("migrations/env.py", LOOP)
    for command, reason in (("check", "Pending"), ("upgrade", "UpToDate"), ("gate", "UpToDate")):
        run = runner.run(any_project, command, APP_URL=database.url("asyncpg"))
        assert (run.code, run.result.reason) == (0, reason), run.stderr
    assert database.heads() == ["two"]


def test_what_such_an_env_py_rolls_back_is_still_no_success(
    any_project: Project, runner: Runner, database: Database
) -> None:
    way = WAYS["a connector, in a transaction"].replace("migrate(one)", "migrate(one)\n    one.rollback()")
    any_project.begin().table("one").write("migrations/env.py", HEAD + way)
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to, database.heads()) == (70, "NotCommitted", (), []), run.stderr


ROLES = {
    "before": ('connection.execute(text("set role {}")); connection.commit()', ""),
    "inside": ("", 'connection.execute(text("set role {}"))'),
    "local": ("", 'connection.execute(text("set local role {}"))'),
}


@pytest.mark.parametrize("when", ROLES)
def test_own_connections_read_in_the_role_that_env_py_took(
    any_project: Project, runner: Runner, database: Database, when: str
) -> None:
    with users(database, "login", "owner") as (login, owner):
        database.rows(f"grant {owner.user} to {login.user} with inherit false, set true")
        before, inside = (one.format(owner.user) or "pass" for one in ROLES[when])
        any_project.begin(before=before).table("one")
        begin = "with connection.begin():" if when == "local" else "with context.begin_transaction():"
        env = any_project.folder / "migrations" / "env.py"
        env.write_text(env.read_text().replace("with context.begin_transaction():", f"{begin}\n            {inside}"))
        database.rows("revoke select on all tables in schema public from public")
        database.rows(
            f"alter default privileges for role {owner.user} in schema public revoke all on tables from public"
        )
        for command in ("upgrade", "check", "gate"):
            run = runner.run(any_project, command, APP_URL=login.url("psycopg2"))
            assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ("one",)), run.stderr
