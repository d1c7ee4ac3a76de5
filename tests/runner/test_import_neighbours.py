"""What people's files hold beside the usual: each is carried over exactly, or found before anything is written."""

from __future__ import annotations

from contextlib import closing
from sqlite3 import connect
from typing import TYPE_CHECKING, Any

from tests.runner.importing import Both, by_place

if TYPE_CHECKING:
    from alembic.operations import Operations

VALUES: dict[str, tuple[str, list[Any], list[tuple[Any, str]]]] = {
    # column of that type: what arrives, and what is found
    "float8": (
        "float8",
        [float("inf"), float("-inf"), -0.0, 1e400, 5e-324, 1e22],
        [("NaN", "type"), (2**53 + 1, "precision")],
    ),
    "float4": ("float4", [float("inf"), 2.0**-149], [(1e39, "range"), (0.1, "precision")]),
    "amount": ("numeric", [2**62, "9" * 30, "1e5", 1e-7, 0.1], [("NaN", "type"), ("1_0", "type"), ("１", "type")]),  # noqa: RUF001
    "wei": ("numeric(78,0)", ["9" * 78, 2**63 - 1, 1e19], [("1" + "0" * 78, "range"), (0.5, "precision")]),
    "whole": ("int4", ["12", 1.0], [("012", "type"), ("1e3", "type"), (1e300, "range"), (" 1", "type")]),
    "flag": ("boolean", ["true", "T", "FALSE"], [("Y", "type"), (b"1", "type"), (" true", "type")]),
    "day": (
        "date",
        ["2024-01-01T00:00:00", "20240101"],
        [("10000-01-01", "date"), ("-0044-03-15", "date"), ("infinity", "date"), ("01/02/2024", "date"), (0, "epoch")],
    ),
    "at": (
        "timestamp",
        ["2024-01-01", "2024-01-01 12:00", "2024-01-01T12:00:00Z", "2024-01-01 12:00:00.000000000"],
        [
            ("2024-01-01 24:00:00", "date"),
            ("2024-12-31 23:59:60", "date"),
            ("2024-01-01 12:00:00.123456789", "precision"),
            ("now", "date"),
        ],
    ),
    "seconds": ("timestamp(0)", ["2024-01-01 12:00:00.000000"], [("2024-01-01 12:00:00.600000", "precision")]),
    "seen": ("timestamptz", ["2024-01-01 12:00:00+0200"], [("2024-01-01 12:00:00 Europe/Berlin", "date")]),
    "clock": (
        "time",
        ["12:00"],
        [("24:00:00", "date"), ("12:00:00+02", "time-zone"), ("12:00:00.1234567", "precision")],
    ),
    "lasts": ("interval", ["1970-01-02 00:00:00"], [("1 day", "date"), (86400, "epoch"), ("", "empty")]),
    "key": (
        "uuid",
        ["12345678-1234-5678-1234-56781234ABCD", b"\x01" * 16],
        [("{12345678-1234-5678-1234-567812345678}", "uuid"), ("urn:uuid:12345678", "uuid")],
    ),
    "doc": (
        "json",
        ['{"a":1,"a":2}', " [1e400] ", '"\\ud83d\\ude00"', "[" * 3000 + "]" * 3000],
        [("[Infinity]", "json"), ("\ufeff{}", "json"), ("[1,]", "json"), ('"\t"', "json")],
    ),
    "tree": (
        "jsonb",
        ['{"a":1,"a":2}', "[1E5, -0, -0.0, 1e-400, 0e9]", '"\\/\\u007f"'],
        [("[" * 3000 + "]" * 3000, "json"), ("1e-20000", "json"), ("0x1", "json")],
    ),
    "tags": (
        "varchar(5)[]",
        ["[]", '["a", null, "b c", "\\\\", "NULL", "Ω{}"]'],
        [("{a}", "json"), ('["abcdef"]', "length")],
    ),
    "numbers": ("int8[]", ["[1, 9223372036854775807]"], [("[1.5]", "type"), ("[[1]]", "json")]),
    "fixed": ("char(4)", ["ab  ", "ab     ", ""], [("abcde", "length")]),
    "short": ("varchar(2)", ["e\u0301", "👍🏽"], [("👨‍👩", "length"), ("ab ", "length")]),
    "bare": ("text", [1, "007"], [(1.5, "type")]),
    "bytes": ("bytea", [b"", b"\\x00"], [("abc", "type"), (1, "type")]),
}


def test_values_that_nobody_thought_of_arrive_or_are_found(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        lite = op.get_bind().dialect.name == "sqlite"
        for name in ("fine", "bad"):
            told = ", ".join(f'"{column}" {"" if lite else kind}' for column, (kind, *_) in VALUES.items())
            op.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, {told})")

    both.build(upgrade)
    row = 0
    expected: dict[tuple[str, str, str], tuple[int, tuple[int, ...]]] = {}
    for column, (_, fine, bad) in VALUES.items():
        both.write(f'INSERT INTO fine ("{column}") VALUES (?)', [(one,) for one in fine])
        for value, kind in bad:
            row += 1
            both.write(f'INSERT INTO bad (id, "{column}") VALUES (?, ?)', [(row, value)])
            count, ids = expected.get(("bad", column, kind), (0, ()))
            expected["bad", column, kind] = (count + 1, (*ids, row)[:3])
    assert by_place(both.here(scan=True)) == expected
    answer = both.here(exclude=("bad",))
    assert (answer.equal, by_place(answer)) == (True, {})
    text = {one for (one,) in both.database.rows("select tree::text from fine where tree is not null")}
    assert {'{"a": 2}', '"/\x7f"'} < text
    assert both.database.value("select tags from fine where cardinality(tags) > 0") == [
        *("a", None, "b c", "\\", "NULL", "Ω{}"),
    ]
    assert both.database.value("select bool_and(amount = trim_scale(amount)) from fine")
    assert both.database.value("select count(*) from fine where wei = 1e78 - 1") == 1


def test_tables_that_only_sqlite_has_and_shapes_that_only_postgresql_has_are_told_once_each(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        if op.get_bind().dialect.name == "sqlite":
            op.execute("CREATE VIRTUAL TABLE words USING fts5(a)")
            op.execute("CREATE TABLE none (a INTEGER, tags TEXT)")
            op.execute("CREATE TABLE apart (a INTEGER)")
            op.execute("CREATE TABLE once (id INTEGER PRIMARY KEY, a TEXT)")
            op.execute("CREATE TABLE parent (id INTEGER)")
            op.execute("CREATE TABLE guarded (id INTEGER)")
            op.execute("CREATE TABLE circle (id INTEGER PRIMARY KEY, place INT, next INT)")
            op.execute("CREATE TABLE strictly (id INTEGER PRIMARY KEY, n INT, half INT AS (n / 2) STORED) STRICT")
            return
        op.execute("CREATE TABLE none (a int, tags inet[])")
        op.execute("CREATE TABLE apart (b int)")
        op.execute("CREATE TABLE once (id int PRIMARY KEY, a text UNIQUE NULLS NOT DISTINCT)")
        op.execute("CREATE TABLE guarded (id int)")
        op.execute("ALTER TABLE guarded ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        later = "DEFERRABLE INITIALLY DEFERRED"
        op.execute(
            "CREATE TABLE circle (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            f" place int UNIQUE {later}, next int REFERENCES circle {later})"
        )
        op.execute("CREATE TABLE parent (id int)")
        op.execute("CREATE TABLE child () INHERITS (parent)")
        op.execute("CREATE TABLE strictly (id int PRIMARY KEY, n int, half int)")

    both.build(upgrade)
    both.write("INSERT INTO words VALUES ('hello')").write("INSERT INTO apart VALUES (1)")
    both.write("INSERT INTO once (a) VALUES (?)", [(None,), ("x",), (None,)])
    both.write("INSERT INTO strictly (n) VALUES (6)")
    both.write("INSERT INTO circle VALUES (?, ?, ?)", [(1, 2, 2), (2, 1, 1)])
    with closing(connect(both.file, isolation_level=None)) as opened:
        opened.execute("PRAGMA writable_schema = ON")
        sql = "CREATE VIRTUAL TABLE near USING vec0(a)"
        opened.execute("INSERT INTO sqlite_schema VALUES ('table', 'near', 'near', 0, ?)", (sql,))
    answer = both.here(scan=True)
    assert by_place(answer) == {
        ("words", "", "table-only-in-file"): (1, ()),
        ("near", "", "table-only-in-file"): (0, ()),
        ("apart", "a", "column-only-in-file"): (0, ()),
        ("once", "a", "duplicates"): (1, (3,)),
        ("parent", "", "rights"): (0, ()),
        ("guarded", "", "rights"): (0, ()),
    }
    assert "needs the module vec0" in " ".join(one.message for one in answer.findings)
    assert ("none", "tags") in {(one.table, one.column) for one in answer.findings if not one.blocks}
    both.write("DELETE FROM once WHERE id = 3")
    assert both.here(exclude=("words", "near", "apart.a", "parent", "guarded")).equal
    assert both.database.rows("select * from strictly") == [(1, 6, 3)]
    assert both.database.rows("select * from circle order by 1") == [(1, 2, 2), (2, 1, 1)]
