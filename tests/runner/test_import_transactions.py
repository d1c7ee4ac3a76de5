"""Nothing half is ever visible, and the next run goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from alembic_operator.importing import carrying
from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.importing.tables import load, spread

if TYPE_CHECKING:
    from alembic.operations import Operations

    from tests.runner.importing import Both


def upgrade(op: Operations) -> None:
    op.create_table(
        "first",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("t", sa.Text, index=True),
        sa.Column("parent", sa.Integer, sa.ForeignKey("first.id", name="to_itself")),
    )
    op.create_table(
        "second",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("first", sa.Integer, sa.ForeignKey("first.id", name="to_first", ondelete="CASCADE")),
        sa.Column("secret", sa.Text),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE second ADD CONSTRAINT never CHECK (secret <> 'hunter2')")


@pytest.fixture
def refused(both: Both) -> Both:
    both.build(upgrade).write("INSERT INTO first VALUES (1, 'x', 1)")
    return both.write("INSERT INTO second VALUES (?, 1, ?)", [(1, "fine"), (2, "hunter2")])


KEYS = "select conname, convalidated from pg_constraint where contype = 'f' order by 1"


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.parametrize("large", [1, 50_000])
def test_in_one_transaction_a_failure_leaves_nothing_and_quotes_no_value(
    refused: Both, monkeypatch: pytest.MonkeyPatch, large: int
) -> None:
    monkeypatch.setattr(spread, "LARGE", large)
    monkeypatch.setattr(spread, "may_fork", lambda: True)
    with pytest.raises(ImportFailed) as failure:
        refused.here()
    assert "second" in str(failure.value)
    assert "Correct the rows that break never" in str(failure.value)
    assert "hunter2" not in str(failure.value)
    assert refused.database.value("select count(*) from first") == 0
    assert refused.database.rows(KEYS) == [("to_first", True), ("to_itself", True)]


def test_a_transaction_for_each_table_leaves_whole_ones_and_the_next_run_goes_on_if_the_file_is_the_same(
    refused: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "ONE_TRANSACTION", 0)
    with pytest.raises(ImportFailed, match="never"):
        refused.here()
    row = refused.database.rows("select xmin::text, t from first")
    assert row
    assert refused.database.value("select count(*) from second") == 0
    refused.database.rows("alter table second drop constraint never")
    before = refused.file.read_bytes()
    refused.write("UPDATE second SET secret = 'other' WHERE id = 2")
    with pytest.raises(ImportFailed, match="the file has changed since its import was begun; empty first"):
        refused.here()
    refused.file.write_bytes(before)
    answer = refused.here()
    assert [(one.name, one.rows) for one in answer.tables] == [("first", 1), ("second", 2)]
    assert refused.database.rows("select xmin::text, t from first") == row
    assert refused.database.rows(KEYS) == [("to_first", True), ("to_itself", True)]
    assert refused.database.value("select to_regclass('alembic_operator_import')") is None


def test_tables_that_somebody_uses_are_not_waited_for_long(refused: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alembic_operator.importing.postgres.connection.LOCK_TIMEOUT", "50ms")
    with refused.database.connect(autocommit=False) as other:
        other.execute("select * from first")
        with pytest.raises(ImportFailed, match="somebody else uses the tables"):
            refused.here()


def test_what_postgresql_changes_silently_is_named_and_nothing_is_visible(both: Both) -> None:
    def cut(op: Operations) -> None:
        kind = "name" if op.get_bind().dialect.name == "postgresql" else "text"
        op.execute("CREATE TABLE fine (id integer PRIMARY KEY)")
        op.execute(f"CREATE TABLE short (id integer PRIMARY KEY, n {kind})")

    both.build(cut).write("INSERT INTO short VALUES (?, ?)", [(1, "n"), (2, "n" * 64)]).write(
        "INSERT INTO fine VALUES (1)"
    )
    with pytest.raises(ImportFailed, match="short: 1 of row id 2 differ, column n"):
        both.here()
    assert both.database.rows("select (select count(*) from fine), (select count(*) from short)") == [(0, 0)]


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_many_rows_get_new_files_where_no_others_refer_to_them_and_their_order_is_postgresqls(
    both: Both, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(carrying, "ONE_TRANSACTION", limit)
    monkeypatch.setattr(load, "MANY_ROWS", 1)

    def tables(op: Operations) -> None:
        upgrade(op)
        if op.get_bind().dialect.name == "sqlite":
            op.execute("CREATE TABLE parted (id INTEGER PRIMARY KEY)")
            return
        op.execute("CREATE TABLE parted (id integer PRIMARY KEY) PARTITION BY HASH (id)")
        for one in (0, 1):
            op.execute(f"CREATE TABLE part{one} PARTITION OF parted FOR VALUES WITH (MODULUS 2, REMAINDER {one})")

    both.build(tables).write("INSERT INTO first VALUES (?, 'x', 1)", [(1,), (2,)])
    both.write("INSERT INTO second VALUES (?, 1, 'fine')", [(1,), (2,)])
    both.write("INSERT INTO parted VALUES (?)", [(one,) for one in range(20)])
    files = "select relname, pg_relation_filenode(oid) from pg_class where relname in ('first', 'second') order by 1"
    before = dict(both.database.rows(files))
    answer = both.here()
    assert (answer.equal, {one.name: one.rows for one in answer.tables}) == (
        True,
        {"first": 2, "second": 2, "parted": 20},
    )
    renewed = {name for name, file in both.database.rows(files) if before[name] != file}
    assert renewed == ({"first", "second"} if limit else {"second"})
