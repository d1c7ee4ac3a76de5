"""What is about tables: references, circles, counters, triggers, duplicates, and what is on one side only."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import sqlalchemy as sa

from alembic_operator.importing.mapping import pairs
from alembic_operator.importing.postgres import catalogue
from alembic_operator.importing.scanning import mend, scan
from alembic_operator.importing.sqlite import snapshot
from alembic_operator.importing.tables import lines, load, verify
from alembic_operator.importing.transfer import loading
from tests.runner.importing import Both, by_place

if TYPE_CHECKING:
    from alembic.operations import Operations


def people_and_posts(op: Operations) -> None:
    op.create_table("people", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text))
    op.create_table(
        "posts",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("author", sa.Integer, sa.ForeignKey("people.id", ondelete="CASCADE", name="posts_author")),
        sa.Column("title", sa.Text),
    )
    op.create_table(
        "likes",
        sa.Column("post", sa.Integer, sa.ForeignKey("posts.id"), nullable=False),
        sa.Column("person", sa.Integer, sa.ForeignKey("people.id"), nullable=False),
        sa.PrimaryKeyConstraint("post", "person"),
    )
    op.create_index("posts_by_title", "posts", ["title"])


@pytest.fixture
def blog(both: Both) -> Both:
    both.build(people_and_posts)
    both.write("INSERT INTO people VALUES (?, ?)", [(1, "Ada"), (2, "Bob")])
    both.write("INSERT INTO posts VALUES (?, ?, 't')", [(1, 1), (2, None), (3, ""), (4, 99), (5, 99)])
    return both.write("INSERT INTO likes VALUES (?, ?)", [(1, 1), (4, 2), (5, 98)])


ORPHANS = {("posts", "author", "orphans"): (3, (3, 4, 5)), ("likes", "person", "orphans"): (1, (3,))}


def test_rows_that_refer_to_none_are_told_cut_or_put_aside_with_all_that_refer_to_them(blog: Both) -> None:
    found = by_place(blog.here(scan=True))
    assert found == {**ORPHANS, ("posts", "author", "empty"): (1, (3,))}
    blog.write("UPDATE posts SET author = 97 WHERE id = 3")
    assert by_place(blog.here()) == ORPHANS
    assert blog.database.value("select count(*) from people") == 0
    cut = blog.here(orphans="set-null")
    assert by_place(cut) == {("likes", "person", "orphans"): (1, (3,))}  # NOT NULL cannot be cut
    aside = blog.here(orphans="quarantine")
    assert (aside.equal, aside.quarantined) == (True, 5)
    assert blog.database.rows("select id from posts order by 1") == [(1,), (2,)]
    assert blog.database.rows("select post, person from likes") == [(1, 1)]  # that of post 4 went with it
    reasons = blog.database.rows(
        "select table_name, row_id, column_name, reason from alembic_operator_rejects order by 1, 2"
    )
    assert [one[:3] for one in reasons] == [
        ("likes", 2, "post"),
        ("likes", 3, "person"),
        ("posts", 3, "author"),
        ("posts", 4, "author"),
        ("posts", 5, "author"),
    ]
    keys = "select count(*) from pg_constraint where contype = 'f' and convalidated"
    assert blog.database.value(keys) == 3
    assert "ON DELETE CASCADE" in blog.database.value(
        "select pg_get_constraintdef(oid) from pg_constraint where conname = 'posts_author'"
    )
    assert blog.database.value("select indexdef from pg_indexes where indexname = 'posts_by_title'")


def test_an_empty_string_for_a_reference_is_cut_with_the_orphans(blog: Both) -> None:
    blog.write("DELETE FROM likes")
    cut = blog.here(orphans="set-null")
    assert (cut.equal, blog.database.rows("select id from posts where author is null order by 1")) == (
        True,
        [(2,), (3,), (4,), (5,)],
    )


def test_tables_in_a_circle_and_in_themselves_need_no_superuser(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        op.create_table("teams", sa.Column("id", sa.Integer, primary_key=True), sa.Column("lead", sa.Integer))
        op.create_table(
            "users",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("team", sa.Integer, sa.ForeignKey("teams.id"), nullable=False),
            sa.Column("boss", sa.Integer, sa.ForeignKey("users.id")),
        )
        if op.get_bind().dialect.name == "postgresql":
            op.create_foreign_key("teams_lead", "teams", "users", ["lead"], ["id"])

    both.build(upgrade).write("INSERT INTO teams VALUES (1, 1)").write(
        "INSERT INTO users VALUES (?, 1, ?)", [(1, 2), (2, 1)]
    )
    assert both.here().equal
    with pytest.raises(Exception, match="teams_lead"):
        both.database.rows("update teams set lead = 7")


def test_counters_go_on_behind_the_rows_and_start_at_their_start_without_any(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        if op.get_bind().dialect.name == "sqlite":
            for name in ("serial", "empty", "always", "down"):
                op.execute(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, t TEXT)")
            op.execute("CREATE TABLE gone (id INTEGER PRIMARY KEY AUTOINCREMENT, t TEXT)")
            return
        op.execute("CREATE TABLE gone (id serial PRIMARY KEY, t text)")
        op.execute("CREATE TABLE serial (id serial PRIMARY KEY, t text)")
        op.execute("CREATE TABLE empty (id bigserial PRIMARY KEY, t text)")
        op.execute("CREATE TABLE always (id int GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY, t text)")
        op.execute("CREATE TABLE down (id int GENERATED BY DEFAULT AS IDENTITY (INCREMENT -1) PRIMARY KEY, t text)")
        op.execute("SELECT setval('empty_id_seq', 77)")  # somebody tried it

    both.build(upgrade)
    for name, number in (("serial", 41), ("always", 41), ("down", -41)):
        both.write(f"INSERT INTO {name} VALUES (?, 'x')", [(number,)])
    both.write("INSERT INTO gone VALUES (?, 'x')", [(1,), (900,)]).write("DELETE FROM gone WHERE id = 900")
    assert both.here().equal
    assert both.database.value("insert into gone (t) values ('y') returning id") == 901  # SQLite gives none twice
    assert both.database.value("insert into serial (t) values ('y') returning id") == 42
    assert both.database.value("insert into empty (t) values ('y') returning id") == 1
    assert both.database.value("insert into always (t) values ('y') returning id") == 42
    assert both.database.value("insert into down (t) values ('y') returning id") == -42


def test_triggers_rest_and_generated_columns_are_computed_by_postgresql(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        op.create_table(
            "items",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("twice", sa.Integer, sa.Computed("id * 2", persisted=True)),
        )
        if op.get_bind().dialect.name == "postgresql":
            op.execute("CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$")
            op.execute("CREATE TRIGGER stop BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION no()")
            op.execute("CREATE TRIGGER far BEFORE INSERT ON items FOR EACH ROW EXECUTE FUNCTION no()")
            op.execute("ALTER TABLE items ENABLE REPLICA TRIGGER far")
        else:
            op.execute("CREATE TRIGGER stop BEFORE DELETE ON items BEGIN SELECT RAISE(ABORT, 'no'); END")

    both.build(upgrade).write("INSERT INTO items (id) VALUES (21)")
    answer = both.here()
    assert (answer.equal, [one.kind for one in answer.findings]) == (True, ["generated", "triggers"])
    assert both.database.rows("select * from items") == [(21, 42)]
    assert both.database.rows("select tgname, tgenabled::text from pg_trigger order by 1") == [
        ("far", "R"),
        ("stop", "O"),
    ]


def test_what_postgresql_takes_for_the_same_is_told(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        if op.get_bind().dialect.name == "sqlite":
            op.execute("CREATE TABLE keys (id INTEGER PRIMARY KEY, mail TEXT UNIQUE, token TEXT UNIQUE, nick TEXT)")
        else:
            op.execute(
                "CREATE TABLE keys (id int PRIMARY KEY, mail text, token uuid UNIQUE, nick text UNIQUE);"
                "CREATE UNIQUE INDEX mails ON keys (lower(mail))"
            )

    same = "0123456789abcdef0123456789abcdef"
    dashed = "01234567-89AB-cdef-0123-456789abcdef"
    both.build(upgrade)
    both.write(
        "INSERT INTO keys VALUES (?, ?, ?, ?)",
        [(1, "ä@x", same, None), (2, "Ä@x", dashed, None), (3, "b", None, "n"), (4, "c", None, "n")],
    )
    found = by_place(both.here(scan=True))
    assert found == {
        ("keys", name, "duplicates"): (1, (row,)) for name, row in (("mail", 2), ("token", 2), ("nick", 4))
    }
    answer = both.here(on_bad_row="quarantine")
    assert (answer.equal, both.database.rows("select id from keys order by 1")) == (True, [(1,), (3,)])


def test_what_is_on_one_side_only_is_told_and_can_be_excluded(both: Both) -> None:
    def upgrade(op: Operations) -> None:
        if op.get_bind().dialect.name == "sqlite":
            op.execute(
                'CREATE TABLE "order" ("select" INTEGER, "Old" TEXT, "made ""so""" TEXT, PRIMARY KEY ("select"))'
                " WITHOUT ROWID"
            )
            op.execute("CREATE TABLE kombu_queue (id INTEGER PRIMARY KEY)")
        else:
            op.execute(
                'CREATE TABLE "order" ("select" int PRIMARY KEY, "made ""so""" text,'
                " new int DEFAULT 5, must int NOT NULL)"
            )
            op.execute("CREATE TABLE later (id int PRIMARY KEY)")

    both.build(upgrade).write('INSERT INTO "order" VALUES (1, ?, ?)', [("o", "x")])
    answer = both.here(scan=True)
    assert by_place(answer) == {
        ("kombu_queue", "", "table-only-in-file"): (0, ()),
        ("order", "Old", "column-only-in-file"): (0, ()),
        ("order", "must", "column-only-in-target"): (0, ()),
    }
    assert [(one.table, one.column) for one in answer.findings if not one.blocks] == [("order", "new"), ("later", "")]
    both.database.rows('alter table "order" alter must set default 6')
    assert both.here(exclude=("kombu_*", "order.Old")).equal
    assert both.database.rows('select * from "order"') == [(1, "x", 5, 6)]


def test_a_role_that_does_not_own_the_tables_is_told_so(blog: Both) -> None:
    rows = blog.database.rows
    rows("create role other login password 'x'; grant all on all tables in schema public to other")
    try:
        found = blog.here(
            scan=True, url=f"postgresql://other:x@{blog.database.host}:{blog.database.port}/{blog.database.name}"
        )
        assert {("people", "", "rights"), ("posts", "", "rights"), ("likes", "", "rights")} <= by_place(found).keys()
    finally:
        rows("drop owned by other; drop role other")


async def test_what_differs_is_named_by_rows_and_columns(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "ROWS_OF_A_CHUNK", 100)

    def upgrade(op: Operations) -> None:
        op.create_table(
            "numbered",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("t", sa.Text),
            sa.Column("n", sa.Integer),
        )
        op.create_table("named", sa.Column("key", sa.Text, primary_key=True), sa.Column("t", sa.Text))
        op.create_table("loose", sa.Column("t", sa.Text), sa.Column("n", sa.Integer))

    both.build(upgrade)
    both.write("INSERT INTO numbered VALUES (?, ?, ?)", [(-700 + 7 * n, "x", n) for n in range(250)])
    both.write("INSERT INTO named VALUES (?, 'x')", [(f"k{n}",) for n in range(250)])
    both.write("INSERT INTO loose VALUES (?, ?)", [("x", n // 2) for n in range(250)])
    connection = await asyncpg.connect(**_arguments(both))
    with closing(snapshot.open_copy(both.file)) as opened:
        tables = [one for one in await catalogue.tables(connection, "public") if one.name != "alembic_version"]
        files = [snapshot.describe(opened, one.name) for one in tables]
        pairing = pairs.match(files, tables, (), {})
        scan.teach((opened,), pairing)
        mend.mend(opened, pairing, "stop", "stop")
        target = load.Target(connection, "public")
        assert [one.rows for one in await loading.Loading(target, opened, pairing, "", "full").at_once()] == [250] * 3
        changes = {
            "numbered": ["update numbered set t = 'x ' where n = 3", "update numbered set n = 0 where n in (248, 249)"],
            "named": ["update named set t = null where key = 'k7'"],
            "loose": ["delete from loose where ctid = (select min(ctid) from loose)"],
        }
        said = {}
        for name, statements in changes.items():
            for statement in statements:
                await connection.execute(statement)
            pair = pairing.pair(name)
            assert pair
            found = await verify.compare(connection, target.place(name), pair, opened)
            counted = await verify.counts(connection, target.place(name), pair, opened)
            assert found[: len(counted)] == counted
            rows = [one.message for one in found[len(counted) :]]
            said[name] = rows, [one.message.split(":")[0] for one in counted]
    await connection.close()
    assert said == {
        "numbered": (["1 of row id -679 differ, column t", "2 of row ids 1036 to 1043 differ, column n"], ["sum of n"]),
        "named": (["1 of row id 8 differ, column t"], ["number of values in t"]),
        "loose": (
            ["1 of row id 2 differ, missing in PostgreSQL"],
            ["rows", "number of values in t", "number of values in n"],
        ),
    }


def _arguments(both: Both) -> dict[str, Any]:
    there = both.database
    return {
        "host": there.host,
        "port": there.port,
        "user": there.user,
        "password": there.password,
        "database": there.name,
    }
