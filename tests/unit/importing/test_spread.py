"""Two processes write a large table as one would."""

from __future__ import annotations

import inspect
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from alembic_operator.importing.facts.failures import TryAgain
from alembic_operator.importing.facts.shapes import Column, FileTable, Table
from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping import pairs
from alembic_operator.importing.tables import rows, spread

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # pytest has threads of its own
ROWS = 1000


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[sqlite3.Connection]:
    monkeypatch.setattr(spread, "LARGE", 1)
    monkeypatch.setattr(spread, "_ROWS_OF_A_SPAN", 7)
    monkeypatch.setattr(spread, "may_fork", lambda: True)
    with closing(sqlite3.connect(tmp_path / "what's so?.db")) as connection:
        connection.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, s TEXT)")
        yield connection


def write(copy: sqlite3.Connection, told: Iterable[tuple[int, str | bytes]]) -> None:
    copy.executemany("INSERT INTO t VALUES (?, ?)", told)
    copy.commit()


def pair(number: int = ROWS) -> pairs.Pair:
    table = Table("t", (Column("n", "int8", "bigint"), Column("s", "text", "text")))
    return pairs.match([FileTable("t", ("n", "s"), number, "rowid")], [table], (), {}).pairs[0]


@pytest.mark.parametrize("ids", [range(ROWS), (n * n * n - 500_000 for n in range(ROWS)), (-(2**63), 0, 2**63 - 1), ()])
def test_rows_come_once_and_in_their_order_whatever_gaps_their_row_ids_have(
    copy: sqlite3.Connection, ids: Iterable[int]
) -> None:
    write(copy, ((n, f"x{n}") for n in ids))
    with spread.written(copy, pair()) as blocks:
        assert len(inspect.getgeneratorlocals(blocks)["pipes"]) == 2
        assert b"".join(blocks) == b"".join(rows.blocks(copy, pair()))


def test_what_a_process_cannot_write_is_told_where_somebody_waits_for_it(copy: sqlite3.Connection) -> None:
    write(copy, ((n, b"\xff" if n == ROWS - 1 else "x") for n in range(ROWS)))
    with pytest.raises(UnfitError) as failure, spread.written(copy, pair()) as blocks:
        list(blocks)
    assert failure.value.unfit is Unfit.BYTES


def test_a_process_that_is_killed_is_told_and_ends_the_other(
    copy: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(copy, ((n, "x") for n in range(ROWS)))
    monkeypatch.setattr(spread, "close_all_but", lambda _: 1 / 0)
    with pytest.raises(TryAgain, match="more memory"), spread.written(copy, pair()) as blocks:
        list(blocks)
