"""An import from its beginning to its end: copy, the application's own scripts, scan, load, check."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from alembic_operator.importing.facts.failures import ImportFailed
from tests.runner.importing import AGE, PEOPLE
from tests.runner.project import Project

if TYPE_CHECKING:
    from alembic.operations import Operations

    from tests.runner.importing import Both

NAMES = ["Ada", "O'Neil", 'a "b"', "line\nline", "\\.", "\n\\.\n", "tab\t\\N", "", "Ωμέγα", "\x1e\x1f"]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path / "project").begin().revision("r1", PEOPLE).revision("r2", AGE)


def built(both: Both, url: str, revision: str) -> None:
    """Leave one end as Alembic would at a revision of the project."""
    body = PEOPLE + {"r1": "", "r2": AGE}[revision]

    def upgrade(op: Operations) -> None:
        exec(body, {"op": op, "sa": sa})

    both.build(upgrade, revision, (url,))


def test_a_file_that_is_in_use_and_behind_is_imported_by_the_applications_own_scripts_and_stays_as_it_was(
    project: Project, both: Both
) -> None:
    built(both, both.sqlite, "r1")
    built(both, both.postgresql, "r2")
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


def test_a_file_without_a_version_table_is_taken_at_a_revision_if_its_schema_is_that_of_the_revision(
    project: Project, both: Both
) -> None:
    built(both, both.postgresql, "r2")
    both.write("CREATE TABLE people (id INTEGER NOT NULL, name VARCHAR(20) NOT NULL, PRIMARY KEY (id))")
    both.write("INSERT INTO people (name) VALUES (?)", [("Ada",)])
    where = {"cwd": project.folder, "APP_URL": "sqlite://"}
    wrong = both.run("--revision", "r2", **where)  # type: ignore[arg-type]
    assert (wrong.code, "people lacks age INTEGER" in wrong.err) == (1, True)
    right = both.run("--revision", "r1", **where)  # type: ignore[arg-type]
    assert (right.code, both.database.rows("select name, age from people")) == (0, [("Ada", 7)]), right.err
    assert right.answer["sha256"] == hashlib.sha256(both.file.read_bytes()).hexdigest()


def test_an_import_with_a_mark_runs_once_though_its_command_is_started_with_each_start_of_the_application(
    project: Project, both: Both
) -> None:
    built(both, both.sqlite, "r2")
    built(both, both.postgresql, "r2")
    both.write("INSERT INTO people (name) VALUES ('Ada')")
    where = {"cwd": project.folder, "APP_URL": "sqlite://"}
    first = both.run("--mark", "people", **where)  # type: ignore[arg-type]
    assert (first.code, first.answer["rows"]) == (0, 1), first.err
    both.database.rows("insert into people (name) values ('later')")
    both.file.unlink()
    again = both.run("--mark", "people", **where)  # type: ignore[arg-type]
    told = again.answer
    assert (again.code, told["sha256"], told["rows"]) == (0, first.answer["sha256"], 0), again.err
    assert "the mark people of an earlier import, of 1 rows in 1 tables: nothing was done" in told["next"]
    other = both.run("--mark", "others", **where)  # type: ignore[arg-type]
    assert (other.code, "No such file" in other.err) == (1, True)
    assert both.database.rows("select name from people order by id") == [("Ada",), ("later",)]


def test_scripts_that_cannot_run_on_sqlite_are_told_with_the_other_way_which_then_works(
    project: Project, both: Both
) -> None:
    project.revision("r3", 'op.execute("DO $$ BEGIN UPDATE people SET age = age + 1; END $$")')
    built(both, both.sqlite, "r2")
    both.write("INSERT INTO people (name) VALUES ('Ada')")
    built(both, both.postgresql, "r2")
    both.database.rows("update alembic_version set version_num = 'r3'")
    where = {"cwd": project.folder, "APP_URL": "sqlite://"}
    refused = both.run(**where)  # type: ignore[arg-type]
    assert (refused.code, "`alembic upgrade r2` in an empty PostgreSQL database" in refused.err) == (1, True)
    both.database.rows("update alembic_version set version_num = 'r2'")
    done = both.run(**where)  # type: ignore[arg-type]
    assert (done.code, "alembic upgrade head" in done.answer["next"]) == (0, True), done.err
    assert both.database.rows("select name, age from people") == [("Ada", 7)]


def test_settings_that_lead_elsewhere_than_to_sqlite_are_told(project: Project, both: Both) -> None:
    built(both, both.sqlite, "r1")
    built(both, both.postgresql, "r2")
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
    with pytest.raises(ImportFailed, match=said):
        both.here()


def test_what_a_killed_application_left_unfinished_is_not_taken_for_its_rows(both: Both, tmp_path: Path) -> None:
    killed = tmp_path / "killed.db"
    with closing(sqlite3.connect(killed, isolation_level=None)) as application:
        application.execute("CREATE TABLE people (name TEXT)")
        application.executemany("INSERT INTO people VALUES (?)", [("x" * 1000,)] * 20)
        application.execute("PRAGMA cache_size = 1")
        application.execute("BEGIN")
        application.execute("UPDATE people SET name = 'half'")  # some of it is in the file already
        for end in ("", "-journal"):
            Path(f"{both.file}{end}").write_bytes(Path(f"{killed}{end}").read_bytes())
    with pytest.raises(ImportFailed, match=r"left app\.db-journal; start the application once"):
        both.here()


def test_what_has_no_revision_is_told_with_what_to_do(both: Both) -> None:
    both.write("CREATE TABLE people (id INTEGER)")
    with pytest.raises(ImportFailed, match="run `alembic upgrade head` there first"):
        both.here()
    built(both, both.postgresql, "r1")
    with pytest.raises(ImportFailed, match="say with --revision"):
        both.here()


def test_a_password_is_in_no_message(both: Both) -> None:
    both.write("CREATE TABLE people (id INTEGER)")
    there = both.database
    with pytest.raises(ImportFailed) as failure:
        both.here(url=f"postgresql://{there.user}:hunter2@{there.host}:{there.port}/{there.name}")
    assert "password authentication failed" in str(failure.value)
    assert "hunter2" not in str(failure.value)


def test_wrong_usage_is_no_finding(both: Both) -> None:
    assert both.run("--verify", "perhaps").code == 1
