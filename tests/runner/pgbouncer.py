"""A real PgBouncer before the tests' PostgreSQL: our own process, on a port of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

from tests.runner.server import Database, free_port, unprivileged, until

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDERS = ":/usr/sbin:/sbin"
"""Not every user has the administrator's programs in PATH."""


@contextmanager
def pooled(database: Database, mode: str, *, alias: object = "", **settings: object) -> Iterator[Database]:
    """Yield the same database, reached through a pool in `transaction`, `statement` or `session` mode.

    With an alias the pool calls it so.
    """
    folder = Path(tempfile.mkdtemp(prefix="runner-pool-"))
    through = replace(database, port=free_port())
    user = unprivileged(folder)
    path = _configured(folder, database, alias, {"listen_port": through.port, "pool_mode": mode, **settings})
    command = [_program(), str(path)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user)
    try:
        until(lambda: _answers(through, process), what="PgBouncer")
        yield through.named(str(alias)) if alias else through
    finally:
        process.terminate()
        process.wait(20)
        shutil.rmtree(folder, ignore_errors=True)


def _program() -> str:
    program = shutil.which("pgbouncer", path=os.environ["PATH"] + _FOLDERS)
    if program is None:
        raise RuntimeError("PgBouncer is not installed: run `make test-programs`")
    return program


def _configured(folder: Path, database: Database, alias: object, settings: dict[str, object]) -> Path:
    password = database.password.replace('"', '""')
    users = folder / "users"
    users.write_text(f'"{database.user}" "{password}"\n', encoding="utf-8")
    fixed = {
        "listen_addr": "127.0.0.1",
        "unix_socket_dir": "",
        "auth_type": "scram-sha-256",
        "auth_file": users,
        "admin_users": database.user,
        "logfile": folder / "log",
    }
    lines = [f"{name} = {value}" for name, value in {**fixed, **settings}.items()]
    path = folder / "pgbouncer.ini"
    name = f"{alias} = dbname={database.name}" if alias else "* ="
    target = f"{name} host={database.host} port={database.port}"
    path.write_text("\n".join(["[databases]", target, "[pgbouncer]", *lines, ""]), encoding="utf-8")
    return path


def _answers(through: Database, process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        raise RuntimeError(f"PgBouncer ended with {process.returncode}")
    try:
        with through.named("pgbouncer").connect() as console:
            console.execute("show version")
    except psycopg.OperationalError:
        return False
    return True
