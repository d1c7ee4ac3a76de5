"""The three steps of an import in a pod, as its containers run them one after the other."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from alembic_operator.contract.imports import ImportAnswer
from tests.runner.importing import AGE, PEOPLE, Both
from tests.runner.project import Project, base_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.server import Database

KINDS = """
op.bulk_insert(op.create_table("kinds", sa.Column("id", sa.Integer, primary_key=True)), [{"id": 1}])
"""
"""Rows on both ends, which make way for the file's."""
START = "import sys; from alembic_operator.cli import main; sys.exit(main())"


@dataclass
class Pod:
    """The containers of one pod, and the directory that they share."""

    project: Project
    both: Both
    place: Path

    def copy(self, *words: str) -> tuple[int, ImportAnswer | None]:
        return self._step("copy", *words)

    def load(self, *words: str) -> tuple[int, ImportAnswer | None]:
        return self._step("load", *words)

    def upgrade(self, target: str, *words: str) -> tuple[int, ImportAnswer | None]:
        names = [f"--place={self.place}", "--config=alembic.ini", "--section=alembic", f"--target={target}", *words]
        return self._run([sys.executable, str(self.place / "upgrade.pyz"), *names], APP_URL="sqlite:///elsewhere.db")

    def _step(self, step: str, *words: str) -> tuple[int, ImportAnswer | None]:
        fixed = [f"--place={self.place}", "--mark=people", f"--url={self.both.database.url()}"]
        return self._run([sys.executable, "-c", START, "import-step", step, str(self.both.file), *fixed, *words])

    def _run(self, command: list[str], **environment: str) -> tuple[int, ImportAnswer | None]:
        done = subprocess.run(
            command,
            cwd=self.project.folder,
            env={**base_environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "Traceback" not in done.stderr, done.stderr
        lines = [one for one in done.stdout.splitlines() if one.startswith("{")]
        return done.returncode, ImportAnswer.from_json(lines[-1]) if lines else None


@pytest.fixture
def pod(tmp_path: Path, database: Database) -> Pod:
    project = Project(tmp_path / "project").begin().revision("r1", PEOPLE).revision("r2", AGE)
    (tmp_path / "place").mkdir()
    return Pod(project, Both(tmp_path / "app.db", database), tmp_path / "place")


def alembic(pod: Pod, url: str, *words: str) -> None:
    command = [sys.executable, "-m", "alembic", *words]
    environment = {**base_environment(), "APP_URL": url}
    subprocess.run(command, cwd=pod.project.folder, env=environment, check=True, capture_output=True)


def begin(pod: Pod, rows: list[tuple[Any, ...]], revision: str = "r1") -> None:
    alembic(pod, f"sqlite:///{pod.both.file}", "upgrade", revision)
    alembic(pod, pod.both.database.url("psycopg"), "upgrade", "head")
    pod.both.write("INSERT INTO people (name) VALUES (?)", rows)


def test_three_steps_import_a_file_once_and_leave_a_mark_that_a_second_run_finds(pod: Pod) -> None:
    pod.project.revision("r3", KINDS)
    begin(pod, [("Ada",), ("Grace",)])
    assert pod.copy() == (0, None)
    assert pod.upgrade("r3") == (0, None)
    code, answer = pod.load()
    assert code == 0
    assert answer is not None
    assert (answer.outcome, answer.tables, answer.rows, answer.equal, answer.earlier) == ("imported", 2, 3, True, False)
    assert [(one.table, one.kind) for one in answer.findings] == [("kinds", "seeded")]
    assert pod.both.database.rows("SELECT name, age FROM people ORDER BY 1") == [("Ada", 7), ("Grace", 7)]
    marks = "SELECT name, tables, rows, sha256 FROM alembic_operator_imported"
    assert pod.both.database.rows(marks) == [("people", 2, 3, answer.sha256)]

    pod.both.database.rows("INSERT INTO people (name) VALUES ('Edsger')")
    pod.both.file.unlink()  # the mark is found first: nobody needs the file any more
    assert pod.copy() == (0, None)
    assert pod.upgrade("r3") == (0, None)
    code, again = pod.load()
    assert code == 0
    assert again is not None
    assert (again.outcome, again.rows, again.earlier) == ("imported", 3, True)
    assert pod.both.database.rows("SELECT count(*) FROM people") == [(3,)]


def test_two_passes_are_two_pods_and_the_last_step_of_the_second_sees_who_still_writes(pod: Pod) -> None:
    begin(pod, [("Ada",), ("Grace",)])

    def steps(turn: str) -> tuple[int, ImportAnswer | None]:
        assert (pod.copy(f"--pass={turn}"), pod.upgrade("r2")) == ((0, None), (0, None))
        return pod.load(f"--pass={turn}")

    for earlier in (False, True):  # a pod whose end nobody has heard of is followed by another one
        code, answer = steps("first")
        assert (code, answer and (answer.outcome, answer.rows, answer.earlier)) == (0, ("first", 2, earlier))
    assert pod.both.database.value("select to_regclass('alembic_operator_imported')::text") is None
    pod.both.write("INSERT INTO people (name) VALUES ('Edsger')").write("DELETE FROM people WHERE name = 'Ada'")
    assert (pod.copy("--pass=second"), pod.upgrade("r2")) == ((0, None), (0, None))
    pod.both.write("INSERT INTO people (name) VALUES ('late')")
    code, answer = pod.load("--pass=second")
    assert (code, answer and answer.outcome) == (75, "again")
    assert answer is not None
    assert answer.message.startswith("somebody has written to the file since it was copied: stop the application")
    assert pod.both.database.rows("select name from people order by 1") == [("Ada",), ("Grace",)]
    code, answer = steps("second")
    assert (code, answer and (answer.outcome, answer.rows, answer.message)) == (0, ("imported", 3, ""))
    assert pod.both.database.rows("select name from people order by 1") == [("Edsger",), ("Grace",), ("late",)]
    assert pod.both.database.value("select rows from alembic_operator_imported where name = 'people'") == 3


def test_findings_stop_it_in_the_words_of_the_object_and_nothing_is_written(pod: Pod) -> None:
    begin(pod, [("x" * 30,), ("Ada",)])
    pod.both.write("CREATE TABLE notes (id INTEGER PRIMARY KEY)")
    pod.copy()
    pod.upgrade("r2")
    code, answer = pod.load()
    assert code == 70
    assert answer is not None
    assert (answer.outcome, answer.total, answer.equal) == ("findings", 2, False)
    assert {one.kind: (one.table, one.rows) for one in answer.findings}["table-only-in-file"] == ("notes", 0)
    assert any("spec.tables.exclude: notes" in one.message for one in answer.findings)
    assert pod.both.database.rows("SELECT to_regclass('alembic_operator_imported')::text") == [(None,)]
    pod.copy()  # another pod has another directory
    pod.upgrade("r2")
    code, answer = pod.load("--exclude=notes", "--on-bad-row=quarantine")
    assert (code, answer and answer.quarantined, answer and answer.rows) == (0, 1, 1)


def test_a_file_that_is_none_or_is_not_there_and_a_database_that_is_down_are_told_apart(pod: Pod) -> None:
    code, answer = pod.copy("--url=postgresql://nobody@127.0.0.1:1/none")
    assert (code, answer and answer.outcome, answer and answer.reason) == (75, "again", "DatabaseUnreachable")
    code, answer = pod.copy(f"--url={pod.both.database.url()}", "--role=nobody")
    assert (code, answer and answer.outcome, answer and answer.reason) == (75, "again", "RoleNotFound")
    code, answer = pod.copy()
    assert (code, answer and answer.outcome) == (70, "failed")
    assert answer is not None
    assert "No such file" in answer.message
    pod.both.file.write_text("not a database")
    code, answer = pod.copy()
    assert answer is not None
    assert answer.message == f"{pod.both.file} is no SQLite file"


def test_a_file_without_a_version_table_needs_the_revision_of_its_schema(pod: Pod) -> None:
    begin(pod, [("Ada",)])
    with closing(sqlite3.connect(pod.both.file)) as file, file:
        file.execute("DROP TABLE alembic_version")
    pod.copy()
    code, answer = pod.upgrade("r2")
    assert (code, answer and "spec.from.sqlite.revision" in answer.message) == (70, True)
    code, answer = pod.upgrade("r2", "--revision=r2")
    assert (code, answer and "people lacks age INTEGER" in answer.message) == (70, True)
    pod.copy()
    assert pod.upgrade("r2", "--revision=r1") == (0, None)
    code, answer = pod.load()
    assert (code, answer and answer.rows) == (0, 1)
    handed = json.loads((pod.place / "handover.json").read_text())
    assert (handed["revision"], handed["target"]) == (["r1"], ["r2"])
