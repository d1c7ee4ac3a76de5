"""One project in a folder: its own command on one database, the runner on others, and what each holds then."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg import sql

from tests.projects.catalogue import DEAD, Entry
from tests.runner.project import Process, Project, Run, Runner, base_environment

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.runner.server import Database

SECONDS = 300
_TABLES = """
select c.oid::regclass::text, exists (select from pg_attribute a where a.attrelid = c.oid and attname = 'version_num')
from pg_class c join pg_namespace n on n.oid = relnamespace
where relkind = 'r' and nspname not in ('pg_catalog', 'information_schema') order by 1
"""


@dataclass(frozen=True)
class Trial:
    """What a test does with a project."""

    entry: Entry
    python: Path
    runner: Runner
    folder: Path
    """The working directory, which holds nothing but the entry's files."""
    programs: Path
    """Where pg_dump is."""

    @property
    def config(self) -> Path:
        (installed,) = self.python.parents[1].glob("lib/python3*/site-packages")
        return (self.folder if self.entry.config in self.entry.files else installed) / self.entry.config

    def plain(self, database: Database) -> None:
        """Upgrade as the project's documentation says; what fails there fails the test."""
        entry = self.entry
        if entry.command:
            self._python(entry.command, database)
            return
        # unlike `python -m alembic` it does not import from where it is started
        alembic = [str(self.python.with_name("alembic")), "-c", str(self.config), "-n", entry.section]
        where = self.config.parent if entry.beside else self.folder
        self._call([*alembic, "upgrade", "heads"], database, where)

    def start(self, command: str, database: Database) -> Process:
        """Start the runner, which is given the address; the project's own settings lead nowhere."""
        entry = self.entry
        own = entry.variables(DEAD, self.folder)
        words = ["--database", "environment", "--config", str(self.config), "--section", entry.section]
        return self.runner.start(Project(self.folder), command, *words, **own, **database.environment())

    def run(self, command: str, database: Database) -> Run:
        return self.start(command, database).finish(SECONDS)

    def schema(self, database: Database) -> str:
        """Return the definitions of everything in a database."""
        dump = [str(self.programs / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges"]
        variables = {**base_environment(), **database.environment()}
        done = subprocess.run(dump, env=variables, capture_output=True, text=True, check=True)
        lines = done.stdout.splitlines()
        return "\n".join(one for one in lines if not one.startswith(("\\restrict", "\\unrestrict")))

    def _python(self, words: Iterable[str], database: Database) -> None:
        texts = [self.entry.text(word, database, self.folder) for word in words]
        command = [str(self.python), *(text.replace("$beside", str(self.config.parent)) for text in texts)]
        self._call(command, database, self.folder)

    def _call(self, command: list[str], database: Database, where: Path) -> None:
        variables = {**base_environment(), **self.entry.variables(database, self.folder)}
        done = subprocess.run(command, cwd=where, env=variables, capture_output=True, text=True, check=False)
        if done.returncode:
            said = f"{done.stdout[-4000:]}\n{done.stderr[-8000:]}"
            raise AssertionError(f"{command} ended with {done.returncode}:\n{said}")


def contents(database: Database) -> dict[str, object]:
    """Return the rows of each version table, and how many rows each other table has."""
    found: dict[str, object] = {}
    with database.connect() as connection:
        for name, versions in connection.execute(_TABLES).fetchall():
            what = "array_agg(t order by t)::text" if versions else "count(*)"
            query = sql.SQL(f"select {what} from {name} t")  # the name is the server's own, quoted where it must be
            row = connection.execute(query).fetchone()
            found[name] = row and row[0]
    return found
