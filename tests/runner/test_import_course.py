"""An import from its beginning to its end: copy, the application's own scripts, scan, load, check."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project, base_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.importing import Both

PEOPLE = """
op.create_table(
    "people",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(20), nullable=False, index=True),
)
"""
AGE = """
with op.batch_alter_table("people") as batch:
    batch.add_column(sa.Column("age", sa.Integer, nullable=False, server_default="7"))
"""
NAMES = ["Ada", "O'Neil", 'a "b"', "line\nline", "\\.", "\n\\.\n", "tab\t\\N", "", "Ωμέγα", "\x1e\x1f"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project").begin().revision("r1", PEOPLE).revision("r2", AGE)


def alembic(project: Project, url: str, *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "alembic", *words],
        cwd=project.folder,
        env={**base_environment(), "APP_URL": url},
        check=True,
        capture_output=True,
    )


def test_a_file_that_is_in_use_and_behind_is_imported_by_the_applications_own_scripts_and_stays_as_it_was(
    project: Project, both: Both
) -> None:
    alembic(project, f"sqlite:///{both.file}", "upgrade", "r1")
    alembic(project, both.database.url("psycopg"), "upgrade", "head")
    with closing(sqlite3.connect(both.file)) as application:
        application.execute("PRAGMA journal_mode = WAL")
        application.executemany("INSERT INTO people (name) VALUES (?)", [(name,) for name in NAMES])
        application.commit()  # is in the write-ahead log only
        application.execute("INSERT INTO people (name) VALUES ('not committed')")
        log = both.file.with_name("app.db-wal")
        before = both.file.read_bytes(), both.file.stat().st_mtime_ns, log.read_bytes()
        scan = both.run("--scan", cwd=project.folder, APP_URL="sqlite:///elsewhere.db")
        assert (scan.code, scan.answer["findings"]) == (0, []), scan.err
        assert both.database.value("select count(*) from people") == 0
        done = both.run(cwd=project.folder, APP_URL="sqlite:///elsewhere.db")
        assert done.code == 0, done.err
        assert (both.file.read_bytes(), both.file.stat().st_mtime_ns, log.read_bytes()) == before
    rows = both.database.rows("select name, age from people order by id")
    assert rows == [(name, 7) for name in NAMES]
    assert done.answer["equal"] is True
    assert (done.answer["revision"], done.answer["target"], done.answer["rows"]) == (["r1"], ["r2"], len(NAMES))
    assert both.database.value("insert into people (name) values ('next') returning id") == len(NAMES) + 1
    assert not (project.folder / "elsewhere.db").exists()
    again = both.run(cwd=project.folder, APP_URL="sqlite:///elsewhere.db")
    assert again.code == 1
    assert again.kinds == [("people", "target-not-empty")]


def test_a_file_without_a_version_table_is_taken_at_a_revision_if_its_schema_is_that_of_the_revision(
    project: Project, both: Both
) -> None:
    alembic(project, both.database.url("psycopg"), "upgrade", "head")
    both.write("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR(20) NOT NULL, PRIMARY KEY (id))")
    both.write("INSERT INTO people (name) VALUES (?)", [("Ada",)])
    where = {"cwd": project.folder, "APP_URL": "sqlite://"}
    unknown = both.run(**where)  # type: ignore[arg-type]
    assert "--revision" in unknown.err
    wrong = both.run("--revision", "r2", **where)  # type: ignore[arg-type]
    assert (wrong.code, "people lacks age INTEGER" in wrong.err) == (1, True)
    right = both.run("--revision", "r1", **where)  # type: ignore[arg-type]
    assert (right.code, both.database.rows("select name, age from people")) == (0, [("Ada", 7)]), right.err


def test_scripts_that_cannot_run_on_sqlite_are_told_with_the_other_way_which_then_works(
    project: Project, both: Both
) -> None:
    project.revision("r3", 'op.execute("CREATE TABLE extra (tags text[])")')
    project.revision("r4", 'op.execute("DO $$ BEGIN UPDATE people SET age = age + 1; END $$")')
    alembic(project, f"sqlite:///{both.file}", "upgrade", "r2")
    both.write("INSERT INTO people (name) VALUES ('Ada')")
    alembic(project, both.database.url("psycopg"), "upgrade", "head")
    where = {"cwd": project.folder, "APP_URL": "sqlite://"}
    refused = both.run(**where)  # type: ignore[arg-type]
    assert (refused.code, "`alembic upgrade r2` in an empty PostgreSQL database" in refused.err) == (1, True)
    both.database.rows("drop table people, extra, alembic_version")
    alembic(project, both.database.url("psycopg"), "upgrade", "r2")
    done = both.run(**where)  # type: ignore[arg-type]
    assert (done.code, "alembic upgrade head" in done.answer["next"]) == (0, True), done.err
    alembic(project, both.database.url("psycopg"), "upgrade", "head")
    assert both.database.rows("select name, age from people") == [("Ada", 8)]


def test_settings_that_lead_elsewhere_than_to_sqlite_are_told(project: Project, both: Both) -> None:
    alembic(project, f"sqlite:///{both.file}", "upgrade", "r1")
    alembic(project, both.database.url("psycopg"), "upgrade", "head")
    refused = both.run(cwd=project.folder, APP_URL=both.database.url("psycopg"))
    assert (refused.code, "env.py connects to postgresql, not to SQLite" in refused.err) == (1, True)
    assert both.database.password not in refused.err
    assert both.database.heads() == ["r2"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "No such file"), (b"not a database at all", "is no SQLite file"), (b"", "is no SQLite file")],
)
def test_what_is_no_sqlite_file_is_told(both: Both, content: bytes | None, said: str) -> None:
    if content is not None:
        both.file.write_bytes(content)
    refused = both.run()
    assert (refused.code, said in refused.err) == (1, True)


def test_wrong_usage_is_no_finding(both: Both) -> None:
    assert both.run("--verify", "perhaps").code == 1
