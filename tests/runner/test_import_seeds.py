"""Rows that revisions insert are on both ends: those of the file take PostgreSQL's place, if nobody wrote there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from alembic_operator.importing import carrying
from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.importing.scanning import seeds
from tests.runner.importing import PEOPLE, by_place
from tests.runner.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from alembic.operations import Operations

    from tests.runner.importing import Both

SEEDS = """
import datetime, time, uuid
roles = op.create_table(
    "roles",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), nullable=False, unique=True),
    sa.Column("parent", sa.Integer, sa.ForeignKey("roles.id")),
    sa.Column("public", sa.Uuid),
    sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    sa.Column("updated_at", sa.BigInteger),
)
now = int(time.time() * 1000)
op.bulk_insert(roles, [
    {"id": 1, "name": "admin", "public": uuid.uuid4(), "updated_at": now},
    {"id": 2, "name": "editor", "parent": 1, "public": uuid.uuid4(), "updated_at": now},
])
op.create_table("members", sa.Column("id", sa.Integer, primary_key=True),
                sa.Column("role", sa.Integer, sa.ForeignKey("roles.id", ondelete="CASCADE")))
op.bulk_insert(op.create_table("settings", sa.Column("key", sa.String(20), primary_key=True),
                               sa.Column("value", sa.JSON), sa.Column("at", sa.DateTime)),
               [{"key": "theme", "value": {"dark": False}, "at": datetime.datetime.now()}])
for name in ("kinds", "states"):
    op.bulk_insert(op.create_table(name, sa.Column("id", sa.Integer, primary_key=True)), [{"id": 1}])
"""
NAMES = ("kinds", "roles", "settings", "states")


@pytest.fixture
def seeded(both: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Both:
    """Two ends that the same revisions have built; the application has used the file since."""
    project = Project(tmp_path / "project").begin().revision("r1", PEOPLE).revision("r2", SEEDS)

    def upgrade(op: Operations) -> None:
        for body in (PEOPLE, SEEDS):
            exec(body, {"op": op, "sa": sa})

    both.build(upgrade, "r2")
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("APP_URL", "sqlite://")
    both.write("DELETE FROM roles WHERE id = 2").write("INSERT INTO roles (id, name) VALUES (7, 'guest')")
    both.write("INSERT INTO members VALUES (1, 7)").write("UPDATE settings SET value = '{\"dark\": true}'")
    return both.write("INSERT INTO people (name) VALUES ('Ada')")


@pytest.mark.parametrize("limit", [0, 1 << 30])
def test_rows_of_revisions_make_way_for_those_of_the_file(
    seeded: Both, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr(carrying, "ONE_TRANSACTION", limit)
    answer = seeded.here(config="alembic.ini")
    told = [(one.table, one.kind) for one in answer.findings]
    assert (answer.equal, told) == (True, [(name, "seeded") for name in NAMES])
    assert seeded.database.rows("select id, name from roles order by 1") == [(1, "admin"), (7, "guest")]
    assert seeded.database.rows("select key, value from settings") == [("theme", {"dark": True})]
    keys = "select count(*) from pg_constraint where contype = 'f' and convalidated"
    assert seeded.database.value(keys) == 2
    assert seeded.database.value("insert into roles (name) values ('next') returning id") == 8


def test_a_table_that_somebody_has_written_to_is_left_as_it_is(seeded: Both) -> None:
    rows = seeded.database.rows
    rows("update settings set value = '{\"dark\": null}'")
    rows("delete from roles where id = 2")
    rows("insert into kinds values (9)")
    rows("create table notes (state int references states on delete cascade); insert into notes values (1)")
    before = [rows(f"select * from {name} order by 1") for name in NAMES]
    answer = seeded.here(config="alembic.ini")
    assert (answer.equal, set(by_place(answer))) == (False, {(name, "", "target-not-empty") for name in NAMES})
    assert [rows(f"select * from {name} order by 1") for name in NAMES] == before


def test_without_the_scripts_nobody_knows_what_they_insert(seeded: Both) -> None:
    found = by_place(seeded.here())
    assert set(found) == {(name, "", "target-not-empty") for name in NAMES}


def test_a_row_that_comes_while_the_import_begins_is_seen_under_the_lock(
    seeded: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = seeds.untouched

    async def slow(*arguments: object) -> dict[str, bytes]:
        found = await honest(*arguments)  # type: ignore[arg-type]
        seeded.database.rows("update roles set name = 'boss' where id = 1")
        return found

    monkeypatch.setattr(seeds, "untouched", slow)
    with pytest.raises(ImportFailed, match="roles has other rows by now"):
        seeded.here(config="alembic.ini")
    assert seeded.database.rows("select name from roles order by id") == [("editor",), ("boss",)][::-1]
