"""A table is read in blocks, whatever its rows are."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest

from alembic_operator.importing.facts.shapes import Column, FileTable, Table
from alembic_operator.importing.facts.unfit import UnfitError
from alembic_operator.importing.mapping import pairs
from alembic_operator.importing.mapping.pairs import Pair
from alembic_operator.importing.tables import rows

LONG = 1 << 20


@pytest.fixture
def copy() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.text_factory = bytes
        connection.execute("CREATE TABLE t (n, s, b)")
        yield connection


def pair(**readings: str) -> Pair:
    table = Table("t", (Column("n", "int4", "integer"), Column("s", "text", "text"), Column("b", "bytea", "bytea")))
    file = FileTable("t", ("n", "b") if readings else ("n", "s"), 0, "rowid")
    return pairs.match([file], [table], (), readings).pairs[0]


def test_long_rows_come_alone_in_pieces_and_in_their_order(copy: sqlite3.Connection) -> None:
    told = [(number, "x" * (LONG if number > 50 else 1)) for number in range(55)]
    copy.executemany("INSERT INTO t (n, s) VALUES (?, ?)", told)
    blocks = list(rows.blocks(copy, pair()))
    assert max(map(len, blocks)) <= LONG // 2
    assert b"".join(blocks).decode() == "".join(f"{number}\t{said}\n" for number, said in told)
    assert copy.text_factory is bytes


def test_what_is_not_fit_ends_it_and_leaves_the_connection_as_it_was(copy: sqlite3.Connection) -> None:
    copy.execute("INSERT INTO t (n) VALUES ('much')")
    with pytest.raises(UnfitError):
        list(rows.blocks(copy, pair()))
    assert copy.text_factory is bytes


def test_text_that_is_taken_for_its_bytes_need_not_be_utf_8(copy: sqlite3.Connection) -> None:
    copy.execute("INSERT INTO t (n, b) VALUES (1, CAST(x'ff0a' AS TEXT))")
    assert b"".join(rows.blocks(copy, pair(**{"t.b": "bytes"}))) == b"1\t\\\\xff0a\n"
