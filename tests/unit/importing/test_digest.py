"""The copy of a SQLite file: its digest is the file's own, which a person can compare with `sha256sum`."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from alembic_operator.importing.sqlite import snapshot

if TYPE_CHECKING:
    from pathlib import Path


def _written(file: Path, *pragmas: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    for pragma in (
        "synchronous = OFF",
        *pragmas,
        "journal_mode = WAL" if "wal" in file.name else "journal_mode = DELETE",
    ):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute("CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT)")
    connection.execute("CREATE TABLE gone (id INTEGER PRIMARY KEY)")
    connection.executemany("INSERT INTO notes (body) VALUES (?)", [("x" * one,) for one in range(60)])
    connection.execute("DELETE FROM notes WHERE id > 40")
    connection.execute("DROP TABLE gone")
    return connection


def _digests(file: Path) -> tuple[str, str]:
    copy = file.with_name("copy.db")
    snapshot.take(file, copy)
    return snapshot.digest(copy, file), hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("name", "pragmas"),
    [
        ("plain.db", ()),
        ("wal.db", ()),
        ("large-pages.db", ("page_size = 65536", "user_version = 7")),
        ("small-pages.db", ("page_size = 512", "auto_vacuum = FULL", "encoding = 'UTF-16le'")),
    ],
)
def test_the_digest_of_a_copy_is_that_of_the_file(tmp_path: Path, name: str, pragmas: tuple[str, ...]) -> None:
    file = tmp_path / name
    _written(file, *pragmas).close()  # a write-ahead log goes with the last connection
    ours, files = _digests(file)
    assert ours == files


def test_changes_in_a_write_ahead_log_change_the_digest_though_the_file_stays_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "wal.db"
    with closing(_written(file)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ours, files = _digests(file)
        assert ours == files
        connection.execute("INSERT INTO notes (body) VALUES ('later')")
        later, still = _digests(file)
        assert (still == files, later == ours) == (True, False)
