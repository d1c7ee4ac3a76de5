"""Connects to PostgreSQL, with a session in which values are printed as the checksums expect them."""

from collections.abc import Mapping
from typing import Any

import asyncpg

from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.postgres import refusals
from alembic_operator.runner.database import address

APPLICATION = "alembic-operator import-sqlite"
_SETTINGS = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "extra_float_digits": "1",
    "standard_conforming_strings": "on",
    "client_encoding": "UTF8",
    "jit": "off",
    "synchronize_seqscans": "off",  # a table is read from its beginning,
    "max_parallel_workers_per_gather": "0",  # and in its order
    "statement_timeout": "0",
    "application_name": APPLICATION,
}
LOCK_TIMEOUT = "10s"
"""For tables that somebody else uses."""
_PATIENCE = 30


async def connect(url: str, environ: Mapping[str, str], role: str = "") -> Any:
    """Connect to a URL, or where the environment says, and be a role there.

    Raises:
        ImportFailed: there is no address, or the database is not in UTF-8.
        TryAgain: nobody answers there, or it is refused.
    """
    where = _address(url, environ)
    arguments: dict[str, Any] = {}
    where.apply("asyncpg", arguments)
    try:
        connection = await asyncpg.connect(**arguments, timeout=_PATIENCE)
        for name, value in {**_SETTINGS, "lock_timeout": LOCK_TIMEOUT}.items():
            await connection.execute(f"SET {name} = '{value}'")
        if role:
            await connection.execute(f"SET ROLE {quoted(role)}")
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        said = str(error).replace(where.password, "***") if where.password else str(error)
        raise TryAgain(f"PostgreSQL at {where.host}: {said}", refusals.reason(error)) from error
    encoding = await connection.fetchval("SHOW server_encoding")
    if encoding != "UTF8":
        raise ImportFailed(f"the database is in {encoding}; create one with ENCODING 'UTF8'")
    return connection


def _address(url: str, environ: Mapping[str, str]) -> address.Address:
    try:
        found = address.parse(url) if url else address.from_environment(environ)
    except ValueError as error:
        text = str(error)
        raise ImportFailed(text.replace("DATABASE_URL", "--url") if url else text) from error
    if found is None:
        raise ImportFailed("say where PostgreSQL is: --url postgresql://user@host/database, or DATABASE_URL or PGHOST")
    return found
