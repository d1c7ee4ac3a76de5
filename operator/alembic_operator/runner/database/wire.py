"""Ask a server through pg8000, which the runner carries, where nothing of the image's is needed."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

from alembic_operator.runner.database import network, tls
from alembic_operator.runner.database.own import client_backend
from alembic_operator.runner.process.needs_alembic import NeedsAlembic

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alembic_operator.runner.database.address import Address

_DRIVER = "alembic_operator.runner.vendored.pg8000"
_PYTHON = (3, 10)
"""The oldest that scramp can be compiled with."""
_OPTIONS = ("sslrootcert", "application_name", "connect_timeout", "keepalives")
"""What a URL may ask for besides; everything else is for libpq, and so are these variables."""
_VARIABLES = (
    *("PGHOSTADDR", "PGSERVICE", "PGOPTIONS", "PGPASSFILE", "PGREQUIREAUTH", "PGREQUIREPEER", "PGREQUIRESSL"),
    *("PGSSLCERT", "PGSSLKEY", "PGSSLCRL", "PGSSLCRLDIR", "PGSSLCERTMODE", "PGSSLNEGOTIATION", "PGSSLSNI"),
    *("PGSSLMINPROTOCOLVERSION", "PGSSLMAXPROTOCOLVERSION", "PGCHANNELBINDING", "PGGSSENCMODE", "PGKRBSRVNAME"),
    *("PGMINPROTOCOLVERSION", "PGMAXPROTOCOLVERSION", "PGTARGETSESSIONATTRS", "PGLOADBALANCEHOSTS"),
)


class ServerError(Exception):
    """What the server answered."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(f"{fields.get('V') or fields.get('S', 'ERROR')}:  {fields.get('M', '')}")
        self.sqlstate = fields.get("C", "")


class Wire:
    """One connection in autocommit; each call is a transaction of its own, so that it never idles in one."""

    def __init__(self, connection: Any, role: str = "") -> None:
        self._connection = connection
        self._begin = f"SET LOCAL ROLE {role}; " if role else ""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Run one statement without parameters and return its rows.

        Raises:
            ServerError: the server refused.
            OSError: it is gone, or did not answer in time.
        """
        try:
            context = self._connection.execute_simple(self._begin + sql)
        except Exception as error:
            raise _plain(error) from error
        return [tuple(row) for row in context.rows or ()]

    def acting(self, role: str) -> Wire:
        """Return the same connection in a role, given as an SQL identifier; the session itself stays as it was."""
        return Wire(self._connection, role)

    def is_pooled(self) -> bool:
        """Tell whether a pooler answered in the server's place when this connection was made."""
        return [(str(client_backend(self._connection)),)] != self.rows("SELECT pg_catalog.pg_backend_pid()::text")

    def close(self) -> None:
        """Close it; what goes wrong then no longer matters."""
        try:
            self._connection.close()
        except Exception:  # noqa: BLE001
            return


def driver() -> str:
    """Return name and version of the driver.

    Raises:
        NeedsAlembic: it is not there, or not for this Python.
    """
    return f"pg8000 {_core().ver}"


def _core() -> Any:
    if sys.version_info < _PYTHON:
        raise NeedsAlembic("the runner's own driver needs Python 3.10")
    try:
        return importlib.import_module(f"{_DRIVER}.core")
    except ImportError as error:
        raise NeedsAlembic(f"the runner's own driver cannot be used: {error}") from error


def require_plain(address: Address, environ: Mapping[str, str]) -> None:
    """Let an address pass that pg8000 understands as libpq does.

    Raises:
        NeedsAlembic: it needs libpq.
    """
    unusual = [name for name in _VARIABLES if environ.get(name)]
    unusual += [name for name, _ in address.options if name not in _OPTIONS]
    if not address.complete or "," in address.host + address.port or address.host[:1] in "/@":
        unusual.append("the host")
    passfile = os.path.join(os.path.expanduser("~"), ".pgpass")  # noqa: PTH111, PTH118
    if not address.password and os.path.exists(passfile):  # noqa: PTH110
        unusual.append(passfile)
    if unusual:
        raise NeedsAlembic(f"only libpq understands {', '.join(unusual)}")
    _ways(address, environ)


def _ways(address: Address, environ: Mapping[str, str]) -> list[tls.Encryption | None]:
    return tls.ways(address.sslmode, dict(address.options), environ)


def connect(address: Address, application_name: str, environ: Mapping[str, str]) -> Wire:
    """Connect, encrypted as sslmode asks for.

    Raises:
        ServerError: the server refused.
        OSError: there is none.
        NeedsAlembic: only the image's own driver can tell.
    """
    refused: list[Exception] = []
    for encryption in _ways(address, environ):
        try:
            return _connected(address, application_name, encryption)
        except (ServerError, tls.RefusedError, NeedsAlembic) as error:
            refused.append(error)
    said = [one for one in refused if isinstance(one, ServerError)]
    unsure = [one for one in refused if isinstance(one, NeedsAlembic)]
    raise (said or unsure or refused)[0]


def _connected(address: Address, application_name: str, encryption: tls.Encryption | None) -> Wire:
    core = _core()
    try:
        connection = core.CoreConnection(
            address.user,
            host=address.host,
            port=int(address.port or 5432),
            database=address.database,
            password=address.password or None,
            application_name=application_name,
            startup_params={"client_encoding": "UTF8"},
            ssl_context=encryption or False,
            timeout=network.SECONDS,
        )
    except Exception as error:
        raise _plain(error) from error
    network.tune(connection._usock)  # noqa: SLF001  it has no argument for it
    return Wire(connection)


def _plain(error: Exception) -> Exception:
    """Return an error of pg8000's as what it means."""
    if type(error).__name__ == "DatabaseError" and error.args and isinstance(error.args[0], dict):
        return ServerError(error.args[0])
    if "refuses SSL" in str(error):
        return tls.RefusedError("the server does not support SSL, but sslmode requires it")
    cause = error.__cause__ if type(error).__name__ == "InterfaceError" else error
    if isinstance(cause, OSError) and type(cause).__module__ != "ssl":
        return cause
    if str(error) in ("network error", "connection is closed"):
        return ConnectionError("the server closed the connection")
    return NeedsAlembic(f"pg8000: {type(error).__name__}: {error}")
