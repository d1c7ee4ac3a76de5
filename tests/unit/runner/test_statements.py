"""What the text of a statement tells: may it run twice, does it end a transaction, what does it build."""

from __future__ import annotations

import time

import pytest

from alembic_operator.runner.watching import sql

REPEATABLE = [
    "select 1",
    "select pg_sleep(1)",
    "select a from t where x in (select f(1))",
    "select * from t for update",
    "select 'insert into'",
    "(select 1) union (select 2)",
    "/* hi; */ select 1 -- delete",
    "set lock_timeout = 0",
    "explain select 1",
    "commit",
    "create table if not exists t (a int)",
    "create unique index concurrently if not exists i on t(a)",
    "create or replace view v as select 1",
    "drop table if exists t",
    "alter table t add column if not exists a int default 1, validate constraint c",
    'alter table "A b".t validate constraint x',
    "alter table t set (fillfactor = 70)",
    "alter table t reset (fillfactor)",
    "alter table t alter column a set not null",
    "alter type x add value if not exists 'a'",
    "vacuum t",
    "reindex index concurrently i",
    "refresh materialized view concurrently m",
]
ONCE = [
    "insert into t values (1)",
    "update t set a = a + 1",
    "with a as (insert into t values (1) returning 1) select * from a",
    "select * into x from t",
    "select backfill(1)",
    "select * from backfill(1)",
    "explain analyze delete from t",
    "commit prepared 'x'",
    "call f()",
    "do $$ begin null; end $$",
    "create table t (a int)",
    "create index concurrently i on t(a)",
    "drop index concurrently i",
    "alter table t add column if not exists a int, add column b int",
    "alter table if exists t add column b int",
    "alter table t add column a numeric(1, 2)",
    "alter type x add value 'a'",
    "select 1; truncate t",
]


@pytest.mark.parametrize(("text", "twice"), [*((one, True) for one in REPEATABLE), *((one, False) for one in ONCE)])
def test_a_statement_may_run_twice_or_must_not(text: str, twice: bool) -> None:
    assert all(sql.is_repeatable(one) for one in sql.split(text)) is twice


@pytest.mark.parametrize("text", ["create index concurrently i on t(a)", "drop index concurrently i"])
def test_what_a_concurrent_build_left_unfinished_may_be_done_again(text: str) -> None:
    assert sql.is_repeatable(text, finished=False)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a; 'b;c'; d;", ["a", "?", "d"]),
        ('a $x$ ;; $x$ b; "c;d"', ["a ? b", '"c_d"']),
        (r"e'\';' ; a", ["?", "a"]),
        ("a 12, b1, $1, 'not ended; c", ["a ?, b1, $1, ?"]),
        ("a -- b; c\n; d /* ; */ e", ["a", "d e"]),
        ("create function f() begin atomic; select 1; end", ["create function f() begin atomic, select ?, end"]),
    ],
)
def test_a_text_is_split_into_its_statements(text: str, parts: list[str]) -> None:
    assert sql.split(text) == parts


@pytest.mark.parametrize(
    ("text", "commits", "rolls_back"),
    [
        ("COMMIT", True, False),
        ("end", True, False),
        ("commit prepared ''", False, False),
        ("rollback", False, True),
        ("ABORT", False, True),
        ("rollback to savepoint a", False, False),
        ("rollback work to a", False, False),
        ("select 1", False, False),
    ],
)
def test_a_statement_ends_its_transaction(text: str, commits: bool, rolls_back: bool) -> None:
    assert (sql.commits(text), sql.rolls_back(text)) == (commits, rolls_back)


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("create index concurrently By_Id on t (id)", ("by_id", "t")),
        ('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "A""b" ON ONLY app."T" USING btree (x)', ('A"b', 'app."T"')),
        ("create index concurrently on t (x)", ("", "t")),
        ("create index i on t (x)", None),
    ],
)
def test_an_index_that_is_built_concurrently_is_read(text: str, index: tuple[str, str] | None) -> None:
    found = sql.concurrent_index(text)
    assert (found and (found.name, found.table)) == index


def test_a_text_is_read_as_its_statements_and_what_each_may_do_twice() -> None:
    text = "select 1; create index concurrently i on t (a); insert into t values (2); commit; rollback"
    found = [
        (one.text, one.reads, one.twice, one.twice_unfinished, one.commits, one.rolls_back) for one in sql.read(text)
    ]
    assert found == [
        ("select ?", True, True, True, False, False),
        ("create index concurrently i on t (a)", False, False, True, False, False),
        ("insert into t values (?)", False, False, False, False, False),
        ("commit", True, True, True, True, False),
        ("rollback", True, True, True, False, True),
    ]


@pytest.mark.parametrize("length", [100, 20_000])
def test_a_long_text_is_read_as_a_short_one_and_cut(length: int) -> None:
    (one,) = sql.read("insert into t values (a" + "b" * length + ")")
    assert (one.twice, len(one.text) < 420) == (False, True)


ROWS = ", ".join(f"({n}, 'place ''{n}; commit''', {n / 7:.5f})" for n in range(20_000))
LONG = {
    f"insert into place values {ROWS}": ("insert into place values (?, ?, ?)", False, False),
    f"/* a dump */ -- of 1\ninsert into place values {ROWS}": ("insert into place values (?, ?, ?)", False, False),
    f"with d as (values {ROWS}) select * from d": ("with d as (values (?, ?, ?)", True, True),
    f"with d as (values {ROWS}) insert into place select * from d": ("with d as (values (?, ?, ?)", False, False),
    f"create table if not exists place as values {ROWS}": ("create table if not exists place as", False, True),
    f"insert into place values ({'1, ' * 400_000}2)": ("insert into place values (?, ?, ?,", False, False),
    f"insert into place values ('{'a' * 2_000_000}')": ("insert into place values (?", False, False),
    f"insert into place values (E'{chr(92)}'{'a' * 2_000_000}', 1)": ("insert into place values (?", False, False),
    f"create function f() as $f$ {'commit; ' * 300_000} $f$": ("create function f() as ?", False, False),
}


@pytest.mark.parametrize(("text", "told"), [*LONG.items()], ids=[one[:40] for one in LONG])
def test_a_long_statement_tells_what_its_beginning_tells(text: str, told: tuple[str, bool, bool]) -> None:
    begun = time.process_time()
    (*_, before, found, after) = sql.read(f"lock a; {text}; commit")
    seconds = time.process_time() - begun
    assert found.text.startswith(told[0])
    assert (found.reads, found.twice, before.text, after.commits) == (*told[1:], "lock a", True)
    assert (len(found.text) < 420, seconds < 1) == (True, True)


def test_a_dump_of_many_statements_is_read_in_little_time() -> None:
    text = "".join(f"insert into place values ({n}, 'place ''{n}; ''', {n / 7:.5f});\n" for n in range(10_000))
    begun = time.process_time()
    assert {one.text for one in sql.read(text)} == {"insert into place values (?, ?, ?)"}
    assert len(sql.read(text)) == 10_000
    assert time.process_time() - begun < 1


@pytest.mark.parametrize("text", ["/* ", "'", '"', "$", "$a$ ", "(", "e'\\", ";", "--", "1 "])
def test_a_text_that_nobody_can_read_is_given_up_in_little_time(text: str) -> None:
    assert sql.read(f"select {text * 100_000}") is not None
