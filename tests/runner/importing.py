"""Both ends of an import: a SQLite file and a database, with the schema that Alembic's own operations build."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext

from alembic_operator.importing import course
from alembic_operator.importing.facts.options import Options
from tests.runner.project import base_environment

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alembic_operator.importing.facts.answer import Answer
    from tests.runner.server import Database

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


def by_place(answer: Answer) -> dict[tuple[str, str, str], tuple[int, tuple[int, ...]]]:
    """Return count and row ids of what blocks, by table, column and kind."""
    return {(one.table, one.column, one.kind): (one.count, one.rows) for one in answer.findings if one.blocks}


@dataclass
class Import:
    """What the command said and how it ended."""

    code: int
    out: str
    err: str
    answer: dict[str, Any] = field(default_factory=dict)

    @property
    def kinds(self) -> list[tuple[str, str]]:
        """Return table and kind of each finding."""
        return [(one["table"], one["kind"]) for one in self.answer["findings"]]


@dataclass
class Both:
    """A file and a database."""

    file: Path
    database: Database

    @property
    def sqlite(self) -> str:
        return f"sqlite:///{self.file}"

    @property
    def postgresql(self) -> str:
        return self.database.url("psycopg")

    def build(
        self, upgrade: Callable[[Operations], None], revision: str = "r1", ends: tuple[str, ...] | None = None
    ) -> Both:
        """Run the body of a revision on both, and leave its name in both version tables."""
        for url in ends or (self.sqlite, self.postgresql):
            engine = sa.create_engine(url)
            with engine.begin() as connection:
                upgrade(Operations(MigrationContext.configure(connection)))
                connection.execute(sa.text("CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)"))
                connection.execute(sa.text(f"INSERT INTO alembic_version VALUES ('{revision}')"))
            engine.dispose()
        return self

    def write(self, sql: str, rows: Sequence[Sequence[Any]] = ((),)) -> Both:
        with closing(sqlite3.connect(self.file)) as connection, connection:
            connection.execute("PRAGMA synchronous = OFF")
            connection.executemany(sql, rows)
        return self

    def command(self, *words: str) -> list[str]:
        start = "import sys; from alembic_operator.cli import main; sys.exit(main())"
        program = [sys.executable, "-c", start, "import-sqlite", str(self.file)]
        return [*program, "--url", self.database.url(), *words]

    def here(self, **options: Any) -> Answer:
        """Import in this process, without scripts: both ends are at the same revision."""
        asked = Options(**{"file": self.file, "url": self.database.url(), "config": "none.ini", **options})
        return asyncio.run(course.run(asked, {}))

    def run(self, *words: str, cwd: Path | None = None, **environment: str) -> Import:
        done = subprocess.run(
            self.command("-o", "json", *words),
            cwd=cwd or self.file.parent,
            env={**base_environment(), **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        answer = json.loads(done.stdout) if done.stdout.startswith("{") else {}
        return Import(done.returncode, done.stdout, done.stderr, answer)
