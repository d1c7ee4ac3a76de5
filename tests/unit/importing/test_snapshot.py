"""A copy of a file is one moment of it, whoever writes meanwhile."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from alembic_operator.importing.sqlite import snapshot

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_a_copy_comes_to_its_end_although_somebody_writes_all_the_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, journal: str
) -> None:
    monkeypatch.setattr(snapshot, "_PAGES", 1)
    file, enough = tmp_path / "app.db", threading.Event()
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute(f"PRAGMA journal_mode = {journal}")
        connection.execute("CREATE TABLE t (a, b)")
        connection.executemany("INSERT INTO t VALUES (?, ?)", [(0, "x" * 3000)] * 200)

    def write() -> None:
        with closing(sqlite3.connect(file, isolation_level=None, timeout=30)) as connection:
            connection.execute("PRAGMA synchronous = OFF")
            while not enough.is_set():
                connection.execute("UPDATE t SET a = a + 1")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        snapshot.take(file, tmp_path / "copy.db")
    finally:
        enough.set()
        writer.join()
    with closing(sqlite3.connect(tmp_path / "copy.db")) as copy:
        assert copy.execute("SELECT count(DISTINCT a), count(*) FROM t").fetchone() == (1, 200)
