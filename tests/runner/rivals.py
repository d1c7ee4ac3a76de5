"""What lets two runners meet: a revision that waits for the test, who holds the locks, users without a common right."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.server import Database


HELD_UP = """
with op.get_context().autocommit_block():
    op.execute("select set_config('client_connection_check_interval', '0', false)")
    op.execute("select pg_advisory_lock(4711)")
    op.execute("select pg_advisory_unlock(4711)")
"""
"""Runs until the test lets it go, and its backend does not notice that its pod is dead."""


@contextmanager
def holding_up(database: Database) -> Iterator[None]:
    with database.connect() as holder:
        holder.execute("select pg_advisory_lock(4711)")
        yield


def held_up(database: Database) -> bool:
    return bool(
        database.value(
            "select count(*) from pg_locks where locktype = 'advisory' and objid = 4711 and not granted"
            " and database = (select oid from pg_database where datname = current_database())"
        )
    )


def lock_holders(database: Database) -> set[int]:
    rows = database.rows(
        "select pid from pg_locks where locktype = 'advisory' and mode = 'ExclusiveLock' and granted"
        " and database = (select oid from pg_database where datname = current_database())"
    )
    return {int(pid) for (pid,) in rows}


@contextmanager
def users(database: Database, *names: str) -> Iterator[list[Database]]:
    logins = [f"{name}_{database.name}" for name in names]
    for user in logins:
        database.rows(f"create role {user} login password 'secret'; grant create on schema public to {user}")
        database.rows(f"alter default privileges for role {user} in schema public grant all on tables to public")
    yield [replace(database, user=user, password="secret") for user in logins]
    database.rows(f"drop owned by {', '.join(logins)} cascade; drop role {', '.join(logins)}")
