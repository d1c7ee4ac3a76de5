"""Every type of column: carried over as the application wrote it, or found before anything is written."""

from __future__ import annotations

import enum
import random
import uuid
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from alembic_operator.importing.scanning import scan
from tests.runner.importing import Both, by_place

if TYPE_CHECKING:
    import pytest
    from alembic.operations import Operations


class Mood(enum.Enum):
    GOOD = 1
    BAD = 2


JSONB = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
INTERVAL = sa.Interval().with_variant(postgresql.INTERVAL(), "postgresql")
TYPES: dict[str, tuple[Any, list[Any]]] = {
    "small": (sa.SmallInteger(), [0, -32768, 32767]),
    "whole": (sa.Integer(), [0, -(2**31), 2**31 - 1]),
    "big": (sa.BigInteger(), [0, -(2**63), 2**63 - 1]),
    "short": (sa.String(5), ["", "Ωμέγα", "a\x1eb\x1f", "\\.", "\n\\.\n", '"\r\n', " a ", "\ufeff", "😀"]),
    "long": (sa.Text(), ["", "x" * 100_000, "NULL", "\\N", "\t"]),
    "fixed": (sa.CHAR(4), ["abcd", " bcΩ"]),
    "double": (sa.Float(), [0.0, -0.0, 0.1, 1e15, 123456789012345678.0, 5e-324, 1.7976931348623157e308, 1e-5, 1e-4]),
    "single": (sa.REAL(), [0.5, -1.25, 16777216.0]),
    "money": (sa.Numeric(10, 2), [Decimal("0.10"), Decimal("-99999999.99"), Decimal(7), Decimal("19.99")]),
    "flag": (sa.Boolean(), [True, False]),
    "at": (sa.DateTime(), [datetime(2024, 2, 29, 12, 0, 0, 1), datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59)]),  # noqa: DTZ001
    "seen": (sa.DateTime(timezone=True), [datetime(2024, 2, 29, 12, tzinfo=UTC), datetime(1900, 1, 1, tzinfo=UTC)]),
    "day": (sa.Date(), [date(2024, 2, 29), date(1, 1, 1), date(9999, 12, 31)]),
    "clock": (sa.Time(), [time(0, 0), time(23, 59, 59, 999999)]),
    "lasts": (INTERVAL, [timedelta(days=400, microseconds=1), timedelta(seconds=-1), timedelta()]),
    "bytes": (sa.LargeBinary(), [b"", bytes(range(256)), b"\\x"]),
    "doc": (sa.JSON(), [{"b": 1.10, "nul": "\0", "a": [None, "Ω\n\x1e"]}, [], "text", 5, True]),
    "tree": (JSONB, [{"bb": 1e22, "a": {"c": [1.5, -1.0, 10**30]}, "": "😀\u2028\x7f\b"}, [[]], "\\u0000", 0.1]),
    "key": (sa.Uuid(), [uuid.UUID(int=0), uuid.UUID("12345678901234567890123456789012")]),
    "mood": (sa.Enum(Mood, name="mood"), list(Mood)),
    "select": (sa.Integer(), [1]),
    'quo"te': (sa.Integer(), [2]),
    "UPPER": (sa.Integer(), [3]),
}


def columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("id", sa.Integer, primary_key=True),
        *(sa.Column(name, kind) for name, (kind, _) in TYPES.items()),
    ]


def rows_of(url: str) -> list[Any]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        found = connection.execute(
            sa.select(sa.Table("every", sa.MetaData(), *columns())).order_by(sa.text("id"))
        ).all()
    engine.dispose()
    return list(found)


def aware(row: Any) -> list[Any]:
    """SQLite forgets the time zone, which SQLAlchemy's users know is UTC."""
    return [one.replace(tzinfo=UTC) if isinstance(one, datetime) else one for one in row]


def test_every_type_arrives_as_the_application_wrote_it(both: Both) -> None:
    both.build(lambda op: op.create_table("every", *columns()))
    chance = random.Random(15)
    longest = max(len(values) for _, values in TYPES.values())
    rows: list[dict[str, Any]] = [
        {name.replace('"', ""): values[number % len(values)] for name, (_, values) in TYPES.items()}
        for number in range(longest)
    ]
    rows += [dict.fromkeys(rows[0])]
    rows += [{**rows[-1], "double": chance.uniform(-1, 1) * 10 ** chance.randint(-300, 300)} for _ in range(500)]
    engine = sa.create_engine(f"sqlite:///{both.file}")
    table = sa.Table(
        "every", sa.MetaData(), *(sa.Column(one.name, one.type, key=one.name.replace('"', "")) for one in columns())
    )
    with engine.begin() as connection:
        connection.execute(sa.insert(table), rows)
    engine.dispose()
    answer = both.here()
    told = [(one.column, one.kind, one.count, one.blocks) for one in answer.findings]
    assert (answer.equal, told) == (True, [("doc", "json-nul", 2, False)])
    there = rows_of(both.database.url("psycopg"))
    assert len(there) == len(rows)
    for mine, its in zip(rows_of(f"sqlite:///{both.file}"), there, strict=True):
        assert aware(mine) == aware(its)
        assert str(mine.double) == str(its.double)  # -0.0, too


BAD: dict[str, tuple[Any, list[tuple[Any, str]]]] = {
    "small": (sa.SmallInteger(), [(32768, "range"), ("x", "type"), ("", "empty")]),
    "short": (
        sa.String(5),
        [("Ωμέγας", "length"), ("ab    ", "length"), ("a\0b", "nul-byte"), (b"\xff", "bytes-in-text")],
    ),
    "single": (sa.REAL(), [(0.1, "precision"), ("much", "type")]),
    "money": (sa.Numeric(10, 2), [(0.125, "precision"), (1e9, "range"), ("much", "type"), (b"1", "type")]),
    "flag": (sa.Boolean(), [(2, "type"), ("yes?", "type")]),
    "at": (
        sa.DateTime(),
        [
            (1700000000123, "epoch"),
            (0, "epoch"),
            ("", "empty"),
            ("0000-00-00 00:00:00", "date"),
            ("2024-02-30", "date"),
        ],
    ),
    "seen": (sa.DateTime(timezone=True), [(1700000000.5, "epoch"), ("yesterday", "date")]),
    "day": (sa.Date(), [("2024-02-29 12:00:00", "precision"), ("current_date", "date")]),
    "bytes": (sa.LargeBinary(), [("textual", "type")]),
    "doc": (sa.JSON(), [("{'a': 1}", "json"), ("NaN", "json"), (b"\x00", "bytes-in-text"), ("", "empty")]),
    "tree": (JSONB, [('"\\u0000"', "json"), ('"\\ud800"', "json")]),
    "key": (sa.Uuid(), [("12", "uuid"), (b"1", "uuid")]),
    "mood": (sa.Enum(Mood, name="mood"), [("UGLY", "label")]),
    "needed": (sa.Integer(), [(None, "null")]),
}


def test_every_class_of_bad_values_is_told_at_once_with_counts_and_row_ids_before_anything_is_written(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "_LARGE", 2)  # in two threads

    def upgrade(op: Operations) -> None:
        told = [sa.Column(name, kind, nullable=True) for name, (kind, _) in BAD.items()]
        op.create_table("bad", sa.Column("id", sa.Integer, primary_key=True), *told)

    both.build(upgrade)
    both.database.rows("alter table bad alter needed set not null")
    expected: dict[tuple[str, str, str], tuple[int, list[int]]] = {}
    row = 0
    for name, (_, values) in BAD.items():
        rows = []
        for value, kind in values * 4:
            row += 1
            rows.append((row, value))
            count, ids = expected.get(("bad", name, kind), (0, []))
            expected["bad", name, kind] = (count + 1, [*ids, row][:3])
        other = "needed" if name != "needed" else "small"
        both.write(f'INSERT INTO bad (id, "{name}", {other}) VALUES (?, ?, 1)', rows)
    both.write("INSERT INTO bad (id, short, needed) VALUES (5000, CAST(x'c473' AS TEXT), 1)")
    expected["bad", "short", "encoding"] = (1, [5000])
    answer = both.here(scan=True)
    assert by_place(answer) == {place: (count, tuple(ids)) for place, (count, ids) in expected.items()}
    told = " ".join(one.message for one in answer.findings)
    assert not [
        value for _, values in BAD.values() for value, _ in values if len(str(value)) > 3 and str(value) in told
    ]
    assert both.here().equal is False
    assert both.database.value("select count(*) from bad") == 0
    quarantined = both.here(on_bad_row="quarantine")
    assert (quarantined.equal, quarantined.quarantined) == (True, row + 1)
    assert both.database.value("select count(*) from bad") == 0
    kept = both.database.rows(
        "select row_id, column_name, reason, base64 from alembic_operator_rejects where row_id = 5000"
    )
    assert kept == [(5000, "short", "encoding", "xHM=")]


def test_what_a_column_says_of_its_values_makes_numbers_times_and_bytes_text(both: Both) -> None:
    kinds: dict[str, Any] = {
        "seconds": sa.DateTime(),
        "milliseconds": sa.DateTime(timezone=True),
        "microseconds": sa.Date(),
        "text": sa.Text(),
        "hex": sa.Text(),
        "bytes": sa.LargeBinary(),
    }
    both.build(lambda op: op.create_table("read", *(sa.Column(name, kind) for name, kind in kinds.items())))
    both.write("INSERT INTO read VALUES (?, ?, ?, ?, ?, ?)", [(1.5, 1500, 86400_000_000, "Ω".encode(), b"\xff", "ab")])
    answer = both.here(readings={f"read.{name}": name for name in kinds})
    assert (answer.equal, answer.findings) == (True, [])
    half = datetime(1970, 1, 1, 0, 0, 1, 500000, UTC)
    there = both.database.rows('select "seconds", milliseconds, microseconds, text, hex, bytes from read')
    assert there == [(half.replace(tzinfo=None), half, date(1970, 1, 2), "Ω", "ff", b"ab")]
