"""Where the environment says the database is, and how a driver is told so."""

from __future__ import annotations

import importlib
import os
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode

from alembic_operator.runner.database import tls

if TYPE_CHECKING:
    from collections.abc import Mapping, MutableMapping

_URL = (
    r"(?P<scheme>[\w+.-]+)://(?:(?P<user>[^:/@]*)(?::(?P<password>{}))?@)?"
    r"(?P<host>(?:\[[^\]]*\]|[^/?#@])*)(?:/(?P<database>[^?#@]*))?(?:\?(?P<query>[^#]*))?"
)
_STRICT = _URL.format(r"[^@/?#]*")  # compiled when there is a URL: it takes a while
_TOLERANT = _URL.format(r".*")
"""Passwords that nobody percent-encoded are understood too, as long as the host is clear."""

_HOST_PORT = re.compile(r"(\[[^\]]*\]|[^:]*)(?::(\d+))?")
_OF_LIBPQ = re.compile(
    "ssl|keepalives|gss|krb|channel_binding|connect_timeout|client_encoding|options|.*application_name|target_session_attrs"
    "|load_balance_hosts|tcp_user_timeout|require|passfile|service|hostaddr|m(?:in|ax)_protocol_version|replication|scram"
)
"""What a URL's query may ask of it; anything else is for another driver that the application uses, too."""
_FILES_OF_ASYNCPG = ("sslrootcert", "sslcert", "sslkey", "sslpassword", "sslcrl")


@dataclass(frozen=True)
class Address:
    """A PostgreSQL address; empty: what env.py says, or the driver's default."""

    host: str = ""
    """Several are separated by commas, as libpq does; so are their ports."""
    port: str = ""
    user: str = ""
    password: str = ""
    database: str = ""
    sslmode: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """What else a URL's query says; a driver is given what it understands."""

    @property
    def complete(self) -> bool:
        """Whether a connection can be made without env.py."""
        return bool(self.host and self.user and self.database)

    def apply(self, driver: str, cparams: MutableMapping[str, Any]) -> None:
        """Rewrite the arguments of a driver's connect()."""
        if driver == "asyncpg":
            self._apply_asyncpg(cparams)
        elif driver == "pg8000":
            self._apply_pg8000(cparams)
        else:
            self._apply_libpq(cparams)

    def _apply_libpq(self, cparams: MutableMapping[str, Any]) -> None:
        for key, value in _told(cparams).items():
            cparams.setdefault(key, value)
        if self.host:
            cparams.pop("port", None)
            cparams["hostaddr"] = (
                ""  # empty it wins over that of PGHOSTADDR, or of a service, whose other settings stay
            )
        if self.database:
            cparams.pop("database", None)  # SQLAlchemy 1.4's name for psycopg2's dbname
        named = {"host": self.host, "port": self.port, "user": self.user, "password": self.password}
        named |= {"dbname": self.database, "sslmode": self.sslmode}
        known = [(key, value) for key, value in self.options if _OF_LIBPQ.match(key)]
        cparams.update({key: value for key, value in (*known, *named.items()) if value})

    def _apply_asyncpg(self, cparams: MutableMapping[str, Any]) -> None:
        if self.host:
            cparams.pop("dsn", None)
            cparams["host"] = self.host.split(",") if "," in self.host else self.host
            ports = [int(port or 5432) for port in self.port.split(",")]
            cparams["port"] = ports if len(ports) > 1 else ports[0]
        named = {"user": self.user, "password": self.password, "database": self.database, "ssl": self.sslmode}
        cparams.update({key: value for key, value in named.items() if value})
        if files := {key: value for key, value in self.options if key in _FILES_OF_ASYNCPG}:
            cparams["dsn"] = f"postgresql://?{urlencode(files)}"  # it has no arguments for them

    def _apply_pg8000(self, cparams: MutableMapping[str, Any]) -> None:
        if self.host:
            cparams.pop("unix_sock", None)
            cparams["host"], cparams["port"] = self.host, int(self.port or 5432)
        if self.host.startswith("/"):
            cparams["unix_sock"] = f"{self.host}/.s.PGSQL.{self.port or 5432}"
        named = {"user": self.user, "password": self.password, "database": self.database}
        cparams.update({key: value for key, value in named.items() if value})
        if self.sslmode:
            way = tls.ways(self.sslmode, dict(self.options), os.environ)
            # without a word it asks for TLS and goes on without, as "prefer" does
            cparams["ssl_context"] = None if len(way) > 1 else way[0] or False


def _told(cparams: MutableMapping[str, Any]) -> dict[str, Any]:
    """Take a connection string out of the arguments, and return what it says: it may ask for more than a server."""
    if text := cparams.pop("dsn", ""):
        return dict(importlib.import_module("psycopg2.extensions").parse_dsn(text))
    text = cparams.pop("conninfo", "")
    return dict(importlib.import_module("psycopg.conninfo").conninfo_to_dict(text)) if text else {}


def from_environment(environ: Mapping[str, str]) -> Address | None:
    """Read PGHOST, PGPORT, ... or DATABASE_URL; None when neither names a host.

    PGHOST wins: an application's image often has a DATABASE_URL of its own, which its env.py may still need.
    What a URL leaves open is filled from libpq's names, as libpq does.

    Raises:
        ValueError: DATABASE_URL is not a PostgreSQL URL.
    """
    named = Address(
        host=environ.get("PGHOST", ""),
        port=environ.get("PGPORT", ""),
        user=environ.get("PGUSER", ""),
        password=environ.get("PGPASSWORD", ""),
        database=environ.get("PGDATABASE", ""),
        sslmode=environ.get("PGSSLMODE", ""),
    )
    if named.host:
        return named
    url = environ.get("DATABASE_URL", "").strip()
    return _filled(parse(url), named) if url else None


def _filled(address: Address, default: Address) -> Address:
    names = ("port", "user", "password", "database", "sslmode")
    return replace(address, **{name: getattr(address, name) or getattr(default, name) for name in names})


def parse(url: str) -> Address:
    """Read `postgres://` and `postgresql+driver://` URLs.

    Raises:
        ValueError: it is not a PostgreSQL URL; the message does not repeat it, for it may hold a password.
    """
    match = re.fullmatch(_STRICT, url) or re.fullmatch(_TOLERANT, url)
    if not match:
        raise ValueError("DATABASE_URL is not a URL: write postgresql://user:password@host:port/database")
    if match["scheme"].split("+")[0] not in ("postgres", "postgresql"):
        raise ValueError(f"DATABASE_URL is for {match['scheme']}, not for PostgreSQL")
    query = dict(parse_qsl(match["query"] or ""))
    host, port = _host_port(match["host"])
    return Address(
        host=query.pop("host", host),
        port=query.pop("port", port),
        user=query.pop("user", unquote(match["user"] or "")),
        password=query.pop("password", unquote(match["password"] or "")),
        database=query.pop("dbname", unquote(match["database"] or "")),
        sslmode=query.pop("sslmode", _mode(query.pop("ssl", ""))),
        options=tuple(query.items()),
    )


def _mode(ssl: str) -> str:
    """Return the sslmode of the word `ssl`, which libpq understands as JDBC means it."""
    return "require" if ssl == "true" else ssl


def _host_port(text: str) -> tuple[str, str]:
    pairs = [match.groups(default="") for one in text.split(",") if (match := _HOST_PORT.fullmatch(one))]
    hosts = [unquote(host).strip("[]") for host, _ in pairs]
    ports = [port for _, port in pairs]
    return ",".join(hosts), ",".join(ports) if any(ports) else ""
