"""Reach a database whose whole address is known, with whichever driver the image has, without running env.py."""

from __future__ import annotations

import configparser
import functools
import importlib
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database.connect import place_of
from alembic_operator.runner.database.network import client_side
from alembic_operator.runner.database.own import Origin
from alembic_operator.runner.process.failures import Ending
from alembic_operator.runner.project import outside

if TYPE_CHECKING:
    from alembic_operator.runner.database.address import Address
    from alembic_operator.runner.process.journal import Journal

_DRIVERS = ("psycopg2", "psycopg", "asyncpg", "pg8000")
"""The quickest to import first, and last the one that many an image has for something else."""
_ISOLATION = "sqlalchemy.isolation_level"
_TAKEN = "env.py takes its connection from the program that calls Alembic, whose engine is not known here: this one"
_SET = f"Set {_ISOLATION} in alembic.ini if that is wrong."
_PLAIN = (
    f"{_TAKEN} has transactions. If that program's is in AUTOCOMMIT, set {_ISOLATION} = AUTOCOMMIT in alembic.ini: its"
    " revisions may depend on it."
)
_OUTSIDE = f"{_TAKEN} is in AUTOCOMMIT, because {{}} runs only outside of a transaction. {_SET}"
_ASKED = f"{_TAKEN} has the isolation level that the configuration asks for: {{}}."
_SYNCHRONOUS = ("psycopg2", "psycopg", "pg8000")
_ASYNCHRONOUS = ("asyncpg", "psycopg")


def origin(address: Address, setup: str) -> Origin | None:
    """Return how to connect there; None when the address is not complete or no driver can be imported."""
    if not address.complete:
        return None
    dialect = _dialect(_DRIVERS)
    return _origin(address, dialect, setup) if dialect else None


@functools.lru_cache
def driver(*, asynchronous: bool) -> str | None:
    """Return the name of a driver that can be imported, for an asynchronous engine or for a plain one."""
    dialect = _dialect(_ASYNCHRONOUS if asynchronous else _DRIVERS)
    return dialect.driver if dialect else None


@dataclass(frozen=True)
class Engine:
    """The engine of a program that calls Alembic itself, as far as its configuration and its revisions tell."""

    config: Any
    script: Any
    journal: Journal

    def connect(self) -> Any:
        """Make a connection for env.py, which is turned to the address as its own would be.

        Raises:
            Ending: EnvFailed, ConfigInvalid.
        """
        url, level = self._url(), self._level()
        try:
            engine = create_engine(url, poolclass=NullPool, **({"isolation_level": level} if level else {}))
            return engine.connect()
        except ArgumentError as error:
            message = f"{_ISOLATION} in {self.config.config_file_name}: {error}"
            raise Ending(Reason.CONFIG_INVALID, message, "Name a level that PostgreSQL has, or AUTOCOMMIT.") from error

    def _level(self) -> str:
        said = self._said(_ISOLATION)
        alone = "" if said else outside.needed_by(self.script)
        told = _ASKED.format(said) if said else _OUTSIDE.format(alone) if alone else _PLAIN
        self.journal.warning("connection made for env.py", message=told)
        return said or ("AUTOCOMMIT" if alone else "")

    def _url(self) -> URL:
        """Return a URL that is turned to the address later, with what the configuration's asks of a connection."""
        with suppress(ArgumentError):
            url = make_url(self._said("sqlalchemy.url"))
            if url.get_backend_name() == "postgresql" and _dialect((url.get_driver_name(),)):
                return url if url.get_driver_name() in _SYNCHRONOUS else url.set(drivername=self._plain())
        return URL.create(self._plain())

    def _plain(self) -> str:
        if dialect := _dialect(_SYNCHRONOUS):
            return f"postgresql+{dialect.driver}"
        message = f"env.py wants a connection, and none of {', '.join(_SYNCHRONOUS)} can be imported"
        raise Ending(Reason.ENV_FAILED, message, "Install one of them in the image.")

    def _said(self, name: str) -> str:
        with suppress(configparser.Error):
            return (self.config.get_main_option(name) or "").strip()
        return ""


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
