"""Reach a database whose whole address is known, with whichever driver the image has, without running env.py."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, Callable

from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.connect import place_of
from alembic_operator.runner.database.network import client_side
from alembic_operator.runner.database.own import Origin
from alembic_operator.runner.process.failures import Ending

if TYPE_CHECKING:
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.process.journal import Journal

_DRIVERS = ("psycopg2", "psycopg", "asyncpg", "pg8000")
"""The quickest to import first, and last the one that many an image has for something else."""
_PLAIN = (
    "env.py takes its connection from the program that calls Alembic, whose engine is not known here: this one has"
    " SQLAlchemy's defaults, with transactions. If that program's is in AUTOCOMMIT, its revisions may depend on it."
)
_SYNCHRONOUS = ("psycopg2", "psycopg", "pg8000")
_ASYNCHRONOUS = ("asyncpg", "psycopg")


def origin(address: Address, setup: str) -> Origin | None:
    """Return how to connect there; None when the address is not complete or no driver can be imported."""
    if not address.complete:
        return None
    dialect = _dialect(_DRIVERS)
    return _origin(address, dialect, setup) if dialect else None


def driver(*, asynchronous: bool) -> str | None:
    """Return the name of a driver that can be imported, for an asynchronous engine or for a plain one."""
    dialect = _dialect(_ASYNCHRONOUS if asynchronous else _DRIVERS)
    return dialect.driver if dialect else None


def engine_connection(address: Address | None, journal: Journal) -> Callable[[], Any] | None:
    """Return what makes a connection for env.py, which is turned to the address as its own would be."""
    return (lambda: _connect(journal)) if address else None


def _connect(journal: Journal) -> Any:
    journal.warning("connection made for env.py", message=_PLAIN)
    dialect = _dialect(_SYNCHRONOUS)
    if dialect is None:
        message = f"env.py wants a connection, and none of {', '.join(_SYNCHRONOUS)} can be imported"
        raise Ending(Reason.ENV_FAILED, message, "Install one of them in the image.")
    return create_engine(f"postgresql+{dialect.driver}://", poolclass=NullPool).connect()


def _dialect(drivers: tuple[str, ...]) -> Any:
    for name in drivers:
        try:
            importlib.import_module(name)
            return create_engine(f"postgresql+{name}://").dialect
        except Exception:  # noqa: BLE001, S112  absent, broken, or unknown to this SQLAlchemy: the next may do
            continue
    return None


def _origin(address: Address, dialect: Any, setup: str) -> Origin:
    cparams: dict[str, Any] = {}
    address.apply(dialect.driver, cparams)
    client_side(dialect.driver, cparams)
    return Origin(dialect, lambda: dialect.connect(**cparams), place_of(cparams), setup, cparams)
