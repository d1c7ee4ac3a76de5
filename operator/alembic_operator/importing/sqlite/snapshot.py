"""The copy of a SQLite file that the import works on: the file itself is only read."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import sys
from contextlib import closing
from typing import TYPE_CHECKING
from urllib.parse import quote

from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.facts.shapes import FileTable, quoted

if TYPE_CHECKING:
    from pathlib import Path

_HEADER = b"SQLite format 3\0"
_HEADER_BYTES = 100
_BLOCK = 1 << 20
_ROW_IDS = ("rowid", "_rowid_", "oid")
_PAGES = 4096
_OF_THE_FILE = (slice(18, 20), slice(24, 28), slice(40, 44), slice(92, 100))
"""What of a header the backup writes anew: journal mode, counters of changes and of the schema, SQLite's version."""
_PASSING = ("SQLITE_BUSY", "SQLITE_FULL", "SQLITE_IOERR")
"""Somebody writes, there is no room for the copy, or the volume has a trouble."""
_BEGINNINGS = 3
"""Times that a copy is begun anew because somebody has written meanwhile."""


class _BegunAnew(Exception):  # noqa: N818  it ends an attempt
    """Somebody writes more often than the copy gets along."""


def take(file: Path, copy: Path) -> None:
    """Copy a file by SQLite's online backup: what is committed, also in its write-ahead log, while others write.

    Raises:
        ImportFailed: it is no SQLite file, or cannot be read.
    """
    try:
        with file.open("rb") as opened:
            header = opened.read(len(_HEADER))
    except OSError as error:
        raise ImportFailed(f"{file}: {error.strerror}") from error
    if header != _HEADER:
        raise ImportFailed(f"{file} is no SQLite file")
    try:
        with closing(_reader(file)) as source, closing(sqlite3.connect(copy)) as target:
            _back_up(source, target)
            target.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        passing = getattr(error, "sqlite_errorname", "").startswith(_PASSING)
        raise (TryAgain if passing else ImportFailed)(f"{file} cannot be copied: {_why(error, file)}") from error


def _back_up(source: sqlite3.Connection, target: sqlite3.Connection) -> None:
    """Copy some pages at once, so that writers get their turn; all at once if they make it begin anew each time."""
    left = [sys.maxsize]
    begun = 0

    def progress(_status: int, remaining: int, _total: int) -> None:
        nonlocal begun
        begun += remaining >= left[0]
        left[0] = remaining
        if begun >= _BEGINNINGS:
            raise _BegunAnew

    logged = source.execute("PRAGMA journal_mode").fetchone()[0] == "wal"  # there a reader is in nobody's way
    try:
        source.backup(target, pages=-1 if logged else _PAGES, progress=progress)
    except _BegunAnew:
        source.backup(target, pages=-1)


def _why(error: sqlite3.Error, file: Path) -> str:
    if getattr(error, "sqlite_errorname", "") == "SQLITE_READONLY_ROLLBACK":
        return (
            f"who wrote to it was killed, and left {file.name}-journal; start the application once, and SQLite takes"
            " back what was not committed"
        )
    return str(error)


def _reader(file: Path) -> sqlite3.Connection:
    """Open a file for reading; where not even SQLite's lock file can be written, nobody else can write, either."""
    uri = f"file:{quote(str(file.resolve()))}?mode=ro"
    unwritable = not os.access(file.parent, os.W_OK)
    logged = file.with_name(f"{file.name}-wal").exists()
    if unwritable and logged and not file.with_name(f"{file.name}-shm").exists():
        raise ImportFailed(
            f"{file.parent} cannot be written, and {file.name}-wal holds changes: copy all of its files elsewhere"
        )
    if unwritable and not logged:
        uri += "&immutable=1"
    connection = sqlite3.connect(uri, uri=True, timeout=30)
    connection.execute("PRAGMA query_only = ON")
    return connection


def digest(copy: Path, file: Path) -> str:
    """Return the SHA-256 of a copy: that of its file, unless a write-ahead log holds changes, or somebody writes."""
    found = hashlib.sha256()
    with copy.open("rb") as opened, file.open("rb") as original:
        header, own = bytearray(opened.read(_HEADER_BYTES)), original.read(_HEADER_BYTES)
        for part in _OF_THE_FILE:
            header[part] = own[part]
        found.update(header)
        while block := opened.read(_BLOCK):
            found.update(block)
    return found.hexdigest()


def open_copy(copy: Path) -> sqlite3.Connection:
    """Open the copy without its triggers; text comes as its bytes, whatever they are."""
    connection = sqlite3.connect(copy, isolation_level=None, check_same_thread=False)
    connection.text_factory = bytes
    connection.execute("PRAGMA journal_mode = OFF")
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA trusted_schema = ON")
    connection.execute("PRAGMA legacy_alter_table = ON")
    for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {quoted(name.decode())}")
    return connection


def names(connection: sqlite3.Connection) -> list[str]:
    """Return the tables of the file, without SQLite's own."""
    rows = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
    )
    return sorted({_text(name) for (name,) in rows} - _shadows(connection))


def _shadows(connection: sqlite3.Connection) -> set[str]:
    """Return the tables in which virtual ones keep their rows; SQLite before 3.37 does not tell."""
    rows = connection.execute("PRAGMA table_list")
    return {_text(row[1]) for row in rows if _text(row[2]) == "shadow"}


def heads(connection: sqlite3.Connection, version_table: str) -> tuple[str, ...] | None:
    """Return what the version table holds; None: there is none."""
    if version_table not in names(connection):
        return None
    return tuple(
        sorted(_text(row[0]) for row in connection.execute(f"SELECT version_num FROM {quoted(version_table)}"))
    )


def describe(connection: sqlite3.Connection, name: str) -> FileTable:
    """Read what a table is like, and give it row ids where it has none."""
    try:
        return _described(connection, name)
    except sqlite3.OperationalError as error:
        _, found, module = str(error).partition("no such module: ")
        if not found:
            raise
        return FileTable(name, (), 0, _ROW_IDS[0], module=f"the module {module}")


def _described(connection: sqlite3.Connection, name: str) -> FileTable:
    columns = [
        (_text(row[1]), _text(row[2]), row[5]) for row in connection.execute(f"PRAGMA table_xinfo({quoted(name)})")
    ]
    lower = {column.lower() for column, *_ in columns}
    row_id = next((one for one in _ROW_IDS if one not in lower), "")
    unique = _unique(connection, name)
    if not row_id:
        raise ImportFailed(
            f"the table {name} has columns named rowid, _rowid_ and oid; rename one of them in a revision"
        )
    try:
        connection.execute(f"SELECT {row_id} FROM {quoted(name)} LIMIT 1")
    except sqlite3.OperationalError:  # made WITHOUT ROWID
        connection.execute(f"ALTER TABLE {quoted(name)} RENAME TO {quoted(name + ' ')}")
        connection.execute(f"CREATE TABLE {quoted(name)} AS SELECT * FROM {quoted(name + ' ')}")
        connection.execute(f"DROP TABLE {quoted(name + ' ')}")
        unique, columns = (), [(column, declared, 0) for column, declared, _ in columns]
    keys = [column for column, declared, part in columns if part and declared.upper() == "INTEGER"]
    single = len(keys) == 1 and sum(1 for *_, part in columns if part) == 1
    named, key = tuple(column for column, *_ in columns), keys[0] if single else ""
    return FileTable(
        name, named, count(connection, name), row_id, key, unique, _counted(connection, name) if key else 0
    )


def _counted(connection: sqlite3.Connection, name: str) -> int:
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'sqlite_sequence'").fetchone() is None:
        return 0
    row = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", (name,)).fetchone()
    return row[0] if row and isinstance(row[0], int) else 0


def count(connection: sqlite3.Connection, name: str) -> int:
    """Return how many rows a table has."""
    return int(connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0])


def _unique(connection: sqlite3.Connection, name: str) -> tuple[tuple[str, ...], ...]:
    found: list[tuple[str, ...]] = []
    for row in connection.execute(f"PRAGMA index_list({quoted(name)})").fetchall():
        if not row[2] or row[4]:  # not unique, or partial
            continue
        parts = connection.execute(f"PRAGMA index_xinfo({quoted(_text(row[1]))})").fetchall()
        used = [part for part in parts if part[5]]
        if all(part[2] is not None and part[4] == b"BINARY" for part in used):
            found.append(tuple(_text(part[2]) for part in used))
    return tuple(found)


def _text(value: bytes | str) -> str:
    return value if isinstance(value, str) else value.decode()
