"""Two passes: the application goes on during the first, and only what it has changed is carried over in the second."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from alembic_operator.importing import carrying
from alembic_operator.importing.facts.failures import ImportFailed, TryAgain
from alembic_operator.importing.sqlite import watch
from alembic_operator.importing.tables import load, spread, stretches
from alembic_operator.importing.transfer import delta, second

if TYPE_CHECKING:
    from alembic.operations import Operations

    from tests.runner.importing import Both

KEPT = "select to_regclass('alembic_operator_passes')::text"
KEYS = "select conname, convalidated, pg_get_constraintdef(oid) from pg_constraint where contype = 'f' order by 1"
WRITTEN = "select id, xmin::text from posts order by id"
TABLES = ("users", "posts", "pairs", "words", "bag")
SQLITE = """
CREATE TABLE users (id INTEGER PRIMARY KEY, email varchar(50) UNIQUE, best varchar(36) REFERENCES posts (id));
CREATE TABLE posts (id varchar(36) PRIMARY KEY, author integer REFERENCES users (id) ON DELETE CASCADE, size float);
CREATE TABLE pairs (a text, b integer, c blob, PRIMARY KEY (a, b)) WITHOUT ROWID;
CREATE TABLE words (word text PRIMARY KEY, of integer UNIQUE);
CREATE TABLE bag (what text, of integer REFERENCES users (id))
"""
POSTGRESQL = """
CREATE TABLE users (id serial PRIMARY KEY, email varchar(50) UNIQUE, best varchar(36));
CREATE TABLE posts (id varchar(36) PRIMARY KEY, author integer CONSTRAINT author REFERENCES users ON DELETE CASCADE,
                    size float, long integer GENERATED ALWAYS AS (length(id)) STORED);
ALTER TABLE users ADD CONSTRAINT best FOREIGN KEY (best) REFERENCES posts;
CREATE TABLE pairs (a text, b integer, c bytea, PRIMARY KEY (a, b)) PARTITION BY HASH (b);
CREATE TABLE pairs0 PARTITION OF pairs FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE pairs1 PARTITION OF pairs FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE words (word text PRIMARY KEY, of integer UNIQUE);
CREATE TABLE bag (what text, of integer REFERENCES users);
CREATE TABLE log (what text);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (TG_OP); RETURN NULL; END';
CREATE TRIGGER noted AFTER INSERT OR UPDATE OR DELETE ON users FOR EACH ROW EXECUTE FUNCTION note()
"""


def tables(op: Operations) -> None:
    """Keys of each kind, and foreign keys that delete, that refuse, and that lead in a circle."""
    for sql in (SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL).split(";\n"):
        op.execute(sql)


@pytest.fixture
def app(both: Both, monkeypatch: pytest.MonkeyPatch) -> Both:
    """An application with some rows, of which few are many."""
    monkeypatch.setattr(stretches, "LEAST", 8)
    monkeypatch.setattr(stretches, "_AT_ONCE", 4)
    monkeypatch.setattr(delta, "_AT_ONCE", 3)
    monkeypatch.setattr(delta, "COMPARED", 40)
    monkeypatch.setattr(load, "MANY_ROWS", 1)
    monkeypatch.setattr(watch, "_TICK", 0.01)
    both.build(tables)
    both.write("INSERT INTO users VALUES (?, ?, NULL)", [(one, f"{one}@") for one in range(1, 101)])
    both.write("INSERT INTO posts VALUES (?, ?, ?)", [(f"p{one}", 1 + one % 100, one / 7) for one in range(200)])
    both.write("UPDATE users SET best = 'p' || id")
    both.write("INSERT INTO pairs VALUES (?, ?, ?)", [(f"a{one % 9}", one, bytes([one])) for one in range(90)])
    both.write("INSERT INTO words VALUES (?, ?)", [(f"w{one * 37 % 101}", one) for one in range(100)])
    return both.write("INSERT INTO bag VALUES (?, ?)", [("twice", 1 + one // 2 % 50) for one in range(60)])


def rows(both: Both) -> dict[str, list[Any]]:
    """Return what SQLite has."""
    with closing(sqlite3.connect(both.file)) as connection:
        return {one: sorted(connection.execute(f"SELECT * FROM {one}").fetchall(), key=repr) for one in TABLES}


def imported(both: Both) -> dict[str, list[Any]]:
    """Return what PostgreSQL has."""
    found = {one: both.database.rows(f"select * from {one}") for one in TABLES}
    found["posts"] = [row[:3] for row in found["posts"]]
    found["pairs"] = [(a, b, bytes(c)) for a, b, c in found["pairs"]]
    return {one: sorted(some, key=repr) for one, some in found.items()}


def test_what_was_inserted_changed_and_deleted_since_follows_and_all_other_rows_are_left_alone(app: Both) -> None:
    keys, begun = app.database.rows(KEYS), app.here(turn="first")
    assert (begun.equal, "--pass second" in begun.following, imported(app)) == (True, True, rows(app))
    assert app.here(turn="first").following == begun.following  # a container that is started again
    before = dict(app.database.rows(WRITTEN))
    app.write("DELETE FROM users WHERE id = 7").write("DELETE FROM posts WHERE author = 7")
    app.write("DELETE FROM bag WHERE of = 7").write("UPDATE users SET best = NULL WHERE best IN ('p7', 'p6', 'p106')")
    app.write("UPDATE words SET of = -1 WHERE of = 2").write("UPDATE words SET of = 2 WHERE of = 90")  # swapped
    app.write("UPDATE words SET of = 90 WHERE of = -1").write("DELETE FROM pairs WHERE b = 3")
    app.write("INSERT INTO pairs VALUES ('a0', -5, x'00')").write("DELETE FROM bag WHERE rowid = 1")
    app.write("INSERT INTO users VALUES (101, '7@', 'new')").write("INSERT INTO posts VALUES ('new', 101, 0.5)")
    app.write("UPDATE posts SET size = NULL WHERE id = 'p50'")
    app.database.rows("vacuum full posts")  # rows lie elsewhere, as they were
    ended = app.here(turn="second", mark="blog")
    assert (ended.equal, imported(app)) == (True, rows(app))
    assert app.database.rows(KEYS) == keys
    assert app.database.value("select count(*) from log") == 0
    assert app.database.rows("insert into users (email) values ('next') returning id") == [(102,)]
    assert app.database.value("select count(*) from log") == 1
    assert app.database.value(KEPT) is None
    assert app.database.rows("select name, rows from alembic_operator_imported") == [
        ("blog", sum(map(len, rows(app).values())))
    ]
    assert {one.name: one.rows for one in ended.tables} == {one: len(some) for one, some in rows(app).items()}
    assert before  # after VACUUM FULL only the whole table could be written anew


def test_rows_that_nobody_has_changed_are_not_written_again(app: Both) -> None:
    app.here(turn="first")
    before = dict(app.database.rows(WRITTEN))
    app.write("UPDATE posts SET size = 1e9 WHERE id = 'p50'").write("DELETE FROM posts WHERE id = 'p150'")
    app.write("INSERT INTO posts VALUES ('later', 3, 1)").write("UPDATE users SET best = NULL WHERE best = 'p150'")
    app.here(turn="second")
    after = dict(app.database.rows(WRITTEN))
    assert {one for one in after if after[one] != before.get(one)} == {"p50", "later"}
    assert imported(app) == rows(app)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_changed_follows(app: Both, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    chance = random.Random(seed)
    monkeypatch.setattr(spread, "LARGE", 10**6 if seed < 2 else 1)
    monkeypatch.setattr(spread, "may_fork", lambda: True)
    app.here(turn="first")
    with closing(sqlite3.connect(app.file)) as connection, connection:
        for number in range(chance.choice((1, 30, 300))):
            low = chance.randrange(-5, 110)
            some = f"BETWEEN {low} AND {low + chance.choice((0, 0, 3, 200))}"
            match chance.randrange(7):
                case 0:
                    connection.execute(f"DELETE FROM words WHERE of {some}")
                case 1:
                    connection.execute(f"UPDATE OR REPLACE words SET word = 'x' || word WHERE of {some}")
                case 2:
                    connection.execute("INSERT OR REPLACE INTO words VALUES (?, ?)", (f"n{number}", low))
                case 3:
                    connection.execute(f"DELETE FROM pairs WHERE b {some}")
                case 4:
                    connection.execute("INSERT OR REPLACE INTO pairs VALUES (?, ?, x'ff')", (f"a{number % 3}", low))
                case 5:
                    connection.execute(f"UPDATE bag SET what = what || '\n\t' WHERE of {some}")
                case 6:
                    connection.execute(f"INSERT INTO bag SELECT * FROM bag WHERE of {some} LIMIT 50")
    if seed % 2:
        with closing(sqlite3.connect(app.file)) as connection:
            connection.execute("VACUUM")
    assert (app.here(turn="second").equal, imported(app)) == (True, rows(app))


def test_what_others_did_to_postgresql_is_told_and_stays(app: Both) -> None:
    app.here(turn="first")
    app.write("UPDATE posts SET size = 0")
    app.database.rows("update words set of = 1000 where of = 1")
    app.database.rows("delete from pairs where b < 3")
    app.database.rows("insert into bag values ('other', 1)")
    before = imported(app)
    answer = app.here(turn="second")
    told = {one.table: one.message.partition("(")[2].partition(")")[0] for one in answer.findings if one.blocks}
    assert told == {"words": "1 written, 1 gone or changed", "pairs": "3 gone or changed", "bag": "1 written"}
    assert answer.following.startswith("PostgreSQL is as the first pass left it.")
    assert (answer.equal, imported(app)) == (False, before)


def test_a_row_that_does_not_fit_is_named_and_nothing_of_the_second_pass_is_visible(app: Both) -> None:
    app.here(turn="first")
    before = imported(app)
    app.write("UPDATE posts SET author = 99999 WHERE id = 'p5'").write(
        "UPDATE users SET email = ? WHERE id = 4", [("x" * 51,)]
    )
    answer = app.here(turn="second")
    found = {(one.table, one.kind): one.count for one in answer.findings if one.blocks}
    assert (answer.equal, found) == (False, {("posts", "orphans"): 1, ("users", "length"): 1})
    assert imported(app) == before
    with pytest.raises(ImportFailed, match="columns or options are not those of the first pass"):
        app.here(turn="second", orphans="set-null")


def test_each_pass_has_its_turn_and_both_are_of_the_same_revision(app: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImportFailed, match="there is no first pass in PostgreSQL: run --pass first"):
        app.here(turn="second")
    monkeypatch.setattr(carrying, "ONE_TRANSACTION", 0)
    app.database.rows("alter table words add constraint never check (of <> 50)")
    with pytest.raises(ImportFailed, match="never"):
        app.here(turn="first")
    with pytest.raises(ImportFailed, match="the first pass has not come to its end: run --pass first again"):
        app.here(turn="second")
    app.database.rows("alter table words drop constraint never")
    assert app.here(turn="first").equal
    with pytest.raises(ImportFailed, match="rows of a first pass: stop the application, and run --pass second"):
        app.here()
    app.database.rows("update alembic_version set version_num = 'r2'")
    app.write("UPDATE alembic_version SET version_num = 'r2'")
    with pytest.raises(ImportFailed, match="PostgreSQL was at r1 at the first pass, and is at r2"):
        app.here(turn="second")


@pytest.mark.parametrize("journal", ["delete", "wal"])
def test_an_application_that_still_writes_is_noticed(app: Both, monkeypatch: pytest.MonkeyPatch, journal: str) -> None:
    with closing(sqlite3.connect(app.file, isolation_level=None, check_same_thread=False)) as writer:
        writer.execute(f"PRAGMA journal_mode = {journal}")
        app.here(turn="first")
        if journal == "wal":
            writer.execute("INSERT INTO words VALUES ('between', 1000)")
            done = app.run("--pass", "second")  # another process, as in life
            assert "another program has the file open" in done.err
            monkeypatch.setattr(watch, "used", lambda _: False)
        before, carried = imported(app), second.Second.carry

        async def meanwhile(self: second.Second) -> Any:
            writer.execute("INSERT INTO words VALUES ('meanwhile', 2000)")
            return await carried(self)

        monkeypatch.setattr(second.Second, "carry", meanwhile)
        with pytest.raises(TryAgain, match="somebody has written to the file since it was copied"):
            app.here(turn="second")
        assert imported(app) == before

        async def late(self: second.Second) -> Any:
            done = await carried(self)
            writer.execute("INSERT INTO words VALUES ('late', 3000)")
            return done

        monkeypatch.setattr(second.Second, "carry", late)
        answer = app.here(turn="second")
        assert answer.following.startswith("somebody has written to the file after the second pass")
        assert sorted(set(rows(app)["words"]) - set(imported(app)["words"])) == [("late", 3000)]
