"""A server with TLS, and what libpq and the runner's own driver make of an address of it."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from alembic_operator.runner.database import wire
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.process.needs_alembic import NeedsAlembic
from tests.runner import server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.certificates import Authority
    from tests.runner.server import Database


HBA = """
hostnossl all tlsonly 127.0.0.1/32 reject
hostssl all plainonly 127.0.0.1/32 reject
host all trusted 127.0.0.1/32 trust
host all clear 127.0.0.1/32 password
host all old 127.0.0.1/32 md5
host all all 127.0.0.1/32 scram-sha-256
"""


@dataclass(frozen=True)
class Site:
    """A server with TLS, and the certificates to try."""

    database: Database
    folder: Path

    def show(self, certificate: Path) -> None:
        """Let the server show another certificate from now on."""
        for end in ("crt", "key"):
            (self.folder / f"server.{end}").write_bytes(Path(f"{certificate}.{end}").read_bytes())
        before = self._loaded()
        self._ask("select pg_reload_conf()")
        server.until(lambda: self._loaded() != before, what="the reload")

    def _loaded(self) -> Any:
        return self._ask("select pg_conf_load_time()")

    def _ask(self, sql: str) -> Any:
        with self.database.connect(sslmode="disable") as connection:
            return connection.execute(sql.encode()).fetchall()


@contextmanager
def serving(authority: Authority, settings: dict[str, str]) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="runner-tls-"))
    owner = server.unprivileged(folder)
    good = authority.folder / "good"
    for end in ("crt", "key"):
        path = folder / f"server.{end}"
        path.write_bytes(Path(f"{good}.{end}").read_bytes())
        path.chmod(0o600)
        if owner:
            os.chown(path, owner["user"], owner["group"])
    named = {"ssl_cert_file": str(folder / "server.crt"), "ssl_key_file": str(folder / "server.key"), **settings}
    try:
        with server.own(named, version=server.debian()) as running:
            for user in ("tlsonly", "plainonly", "trusted", "clear"):
                running.database.rows(f"create role {user} login password 'secret'")
            running.database.rows("set password_encryption = md5; create role old login password 'secret'")
            (running.data / "pg_hba.conf").write_text(HBA)
            site = Site(running.database, folder)
            site.show(good)
            yield site
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def address_of(database: Database, mode: str, user: str = "owner", host: str = "localhost", roots: str = "") -> Address:
    options = (("sslrootcert", roots),) if roots else ()
    password = database.password if user == "owner" else "secret"
    return Address(host, str(database.port), user, password, "postgres", mode, options)


def _by_libpq(address: Address) -> bool | None:
    """Return whether libpq connects with TLS; None: not at all."""
    named: dict[str, Any] = {"sslmode": address.sslmode, **dict(address.options)}
    try:
        with psycopg.connect(
            host=address.host,
            port=int(address.port),
            user=address.user,
            password=address.password,
            dbname=address.database,
            **{key: value for key, value in named.items() if value},
        ) as connection:
            return bool(connection.pgconn.ssl_in_use)
    except psycopg.OperationalError:
        return None


def by_wire(address: Address) -> bool | type[NeedsAlembic] | None:
    try:
        connection = wire.connect(address, "test", os.environ)
    except NeedsAlembic:
        return NeedsAlembic
    except (wire.ServerError, OSError):
        return None
    ((encrypted,),) = connection.rows("select ssl from pg_stat_ssl where pid = pg_backend_pid()")
    connection.close()
    return bool(encrypted)


def agree(address: Address) -> bool | None:
    """Return libpq's answer, when the runner's driver gives it, too, or leaves a refusal to libpq."""
    expected, found = _by_libpq(address), by_wire(address)
    shown = replace(address, password="")
    assert found is expected or (found is NeedsAlembic and expected is None), (shown, expected, found)
    return expected
