"""Starts the application's scripts on the copy, and builds the schema of a revision to compare with."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import alembic_operator
from alembic_operator.importing.facts.failures import ImportFailed
from alembic_operator.importing.facts.shapes import quoted
from alembic_operator.importing.sqlite import snapshot

_START = (
    "import sys; sys.path[1:1] = {sys.argv.pop(1)}.difference(sys.path);"
    " from alembic_operator.importing.sqlite.application import main; sys.exit(main(sys.argv[1:]))"
)
"""This very package, whether it is installed or in an archive."""


FRESH, AGAIN = "fresh.db", "again.db"


@dataclass(frozen=True)
class Fresh:
    """Two empty files that were upgraded one after the other, and when the first was: seconds since 1970."""

    place: Path
    begun: float
    ended: float

    @property
    def files(self) -> tuple[Path, Path]:
        """Return both."""
        return self.place / FRESH, self.place / AGAIN


@dataclass(frozen=True)
class Scripts:
    """The application's Alembic project."""

    config: str
    section: str = "alembic"
    x: tuple[str, ...] = ()

    def present(self) -> bool:
        """Tell whether there is a project."""
        return Path(self.config).is_file()

    def look(self, scratch: Path) -> tuple[tuple[str, ...], str]:
        """Return the heads of the scripts and the name of the version table.

        Raises:
            ImportFailed: they cannot be read.
        """
        told = self._run(scratch, scratch / "none", "")
        return tuple(told["heads"]), str(told["table"])

    def upgrade(self, scratch: Path, copy: Path, targets: tuple[str, ...]) -> None:
        """Upgrade a copy.

        Raises:
            ImportFailed: the scripts cannot run on SQLite.
        """
        self._run(scratch, copy, ",".join(targets))

    def insert(self, scratch: Path, targets: tuple[str, ...]) -> Fresh | None:
        """Upgrade empty files, which then have what revisions insert; None: they cannot run on them."""
        times = [time.time()]
        for name in (FRESH, AGAIN):
            (scratch / name).unlink(missing_ok=True)
            try:
                self.upgrade(scratch, scratch / name, targets)
            except ImportFailed:
                return None
            times.append(time.time())
        return Fresh(scratch, *times[:2])

    def _run(self, scratch: Path, copy: Path, target: str) -> dict[str, list[str]]:
        answer = scratch / "answer.json"
        answer.unlink(missing_ok=True)
        program = [sys.executable, "-c", _START, str(Path(alembic_operator.__file__).parent.parent)]
        words = [self.config, self.section, str(copy), target, str(answer), *self.x]
        subprocess.run([*program, *words], stdout=sys.stderr, check=False)  # noqa: S603  this very program
        if not answer.exists():
            raise ImportFailed(f"{self.config}: the process that ran the scripts was killed")
        told: dict[str, list[str]] = json.loads(answer.read_text(encoding="utf-8"))
        if "error" in told:
            raise ImportFailed(f"{self.config}: {told['error']}")
        return told


def adopt(scripts: Scripts, scratch: Path, copy: Path, revision: str) -> None:
    """Give a file without a version table one, if its schema is that of the revision.

    Raises:
        ImportFailed: it is not, and how.
    """
    _, table = scripts.look(scratch)
    built = scratch / "revision.db"
    scripts.upgrade(scratch, built, (revision,))
    with closing(sqlite3.connect(built)) as meant, closing(sqlite3.connect(copy)) as found:
        wrong = _unlike(_shape(meant), _shape(found), table)
        if wrong:
            raise ImportFailed(f"the file is not at revision {revision}: {'; '.join(wrong)}")
        found.execute(f"CREATE TABLE {quoted(table)} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        rows = meant.execute(f"SELECT version_num FROM {quoted(table)}").fetchall()
        found.executemany(f"INSERT INTO {quoted(table)} VALUES (?)", rows)
        found.commit()
    built.unlink()


def _shape(connection: sqlite3.Connection) -> dict[str, set[tuple[str, str]]]:
    """Return the columns of each table, with their types."""
    return {
        name: {(row[1], row[2].upper()) for row in connection.execute(f"PRAGMA table_xinfo({quoted(name)})")}
        for name in snapshot.names(connection)
    }


def _unlike(meant: dict[str, set[tuple[str, str]]], found: dict[str, set[tuple[str, str]]], table: str) -> list[str]:
    wrong = [f"no table {name}" for name in sorted(meant.keys() - found.keys() - {table})]
    wrong += [f"table {name} is of no revision until then" for name in sorted(found.keys() - meant.keys())]
    for name in sorted(meant.keys() & found.keys()):
        wrong += [f"{name} lacks {column} {kind}" for column, kind in sorted(meant[name] - found[name])]
        wrong += [f"{name} has {column} {kind}" for column, kind in sorted(found[name] - meant[name])]
    return wrong
