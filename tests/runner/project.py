"""Small Alembic projects, and the runner as the program that a migration pod starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alembic_operator.contract import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DRIVERS = ("psycopg", "psycopg2", "asyncpg")
SECONDS = 60

SYNC_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool, text

config = context.config

def run_migrations_online():
    connectable = create_engine(os.environ["APP_URL"], poolclass=pool.NullPool)
    with connectable.connect() as connection:
        {before}
        context.configure(connection=connection, target_metadata=None{arguments})
        with context.begin_transaction():
            context.run_migrations()
        {after}

run_migrations_online()
"""

ASYNC_ENV = """
import asyncio
import os
from alembic import context
from sqlalchemy import pool, text
from sqlalchemy.ext.asyncio import create_async_engine

config = context.config

def do_run_migrations(connection):
    {before}
    context.configure(connection=connection, target_metadata=None{arguments})
    with context.begin_transaction():
        context.run_migrations()

async def run_async_migrations():
    connectable = create_async_engine(os.environ["APP_URL"], poolclass=pool.NullPool)
    async with connectable.connect() as connection:
        await connection.run_sync(do_run_migrations)
        {after}
    await connectable.dispose()

asyncio.run(run_async_migrations())
"""


@dataclass
class Project:
    """One Alembic project in a folder of its own."""

    folder: Path
    driver: str = "psycopg"
    last: str | None = None

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def begin(self, *, before: str = "pass", arguments: str = "", after: str = "pass") -> Project:
        self.write("alembic.ini", "[alembic]\nscript_location = %(here)s/migrations\nprepend_sys_path = %(here)s\n")
        (self.folder / "migrations" / "versions").mkdir(parents=True)
        template = ASYNC_ENV if self.driver == "asyncpg" else SYNC_ENV
        self.write("migrations/env.py", template.format(before=before, arguments=arguments, after=after))
        return self

    def revision(self, name: str, upgrade: str = "pass", **facts: Any) -> Project:
        """Add a revision behind the last one, unless `down` says behind which; `downgrade` None: it has none."""
        down = facts.pop("down", self.last)
        downgrade = facts.pop("downgrade", "pass")
        lines = [f"revision = {name!r}", f"down_revision = {down!r}"]
        lines += [f"{key} = {value!r}" for key, value in facts.items()]
        body = textwrap.indent(textwrap.dedent(upgrade).strip(), "    ")
        text = "\n".join(
            [
                "import sqlalchemy as sa",
                "from alembic import op",
                *lines,
                "",
                "def upgrade():",
                body,
                "",
                *(["def downgrade():", f"    {downgrade}"] if downgrade else []),
                "",
            ]
        )
        self.write(f"migrations/versions/{name}.py", text)
        self.last = name
        return self

    def table(self, name: str) -> Project:
        """Add a revision that creates a table of its name."""
        return self.revision(name, f'op.execute("create table {name} (id int)")', downgrade=f'op.drop_table("{name}")')


@dataclass
class Run:
    """What a finished runner left."""

    code: int
    result: Result
    stdout: str
    stderr: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return list(_events(self.stderr))

    def said(self, event: str) -> list[dict[str, Any]]:
        return [one for one in self.events if one["event"] == event]

    @property
    def everything(self) -> str:
        return self.stdout + self.stderr + self.result.to_json()


def _events(stderr: str) -> Iterator[dict[str, Any]]:
    for line in stderr.splitlines():
        if line.startswith('{"time"'):
            yield json.loads(line)


@dataclass
class Process:
    """A running runner, with its log in a file that can be read meanwhile."""

    popen: subprocess.Popen[bytes]
    out: Path
    err: Path
    report: Path

    def log(self) -> str:
        return self.err.read_text(encoding="utf-8", errors="replace")

    def said(self, event: str) -> list[dict[str, Any]]:
        return [one for one in _events(self.log()) if one["event"] == event]

    def finish(self, seconds: float = SECONDS) -> Run:
        code = self.popen.wait(seconds)
        text = self.report.read_text(encoding="utf-8") if self.report.exists() else ""
        result = Result.from_json(text)
        if result is None:
            raise AssertionError(f"exit {code}, no Result: {text!r}\n{self.log()}")
        return Run(code, result, self.out.read_text(encoding="utf-8"), self.log())


@dataclass
class Runner:
    """Starts runner.pyz, as a program, with an environment that holds nothing by chance."""

    pyz: Path
    scratch: Path
    python: Path | str = sys.executable
    """The interpreter of the user's image."""
    within: tuple[str, ...] = ()
    """What it is started by, for example in a network of its own."""
    started: list[Process] = field(default_factory=list)

    def start(self, project: Project, *words: str, result: str | None = None, **environment: str) -> Process:
        """Start it; `result` empty: without --result."""
        number = len(self.started)
        out, err, report = (self.scratch / f"{number}.{kind}" for kind in ("out", "err", "result"))
        answer: list[str | Path] = ["--result", report] if result is None else []
        with out.open("wb") as stdout, err.open("wb") as stderr:
            popen = subprocess.Popen(
                [*self.within, self.python, self.pyz, *words, *answer],
                cwd=project.folder,
                env={**base_environment(), **environment},
                stdout=stdout,
                stderr=stderr,
            )
        self.started.append(process := Process(popen, out, err, report))
        return process

    def run(self, project: Project, *words: str, **environment: str) -> Run:
        return self.start(project, *words, **environment).finish()

    def close(self) -> None:
        for process in self.started:
            if process.popen.poll() is None:
                process.popen.kill()
                process.popen.wait()


def older(run: Run, version: str) -> bool:
    """Tell whether the runner's Alembic lacks what came with a version such as 1.10."""
    found = tuple(int(part) for part in run.result.alembic.split(".")[:2] if part.isdigit())
    return bool(found) and found < tuple(map(int, version.split(".")))


def base_environment() -> dict[str, str]:
    hidden = ("PG", "DATABASE_URL", "ALEMBIC", "PYTHONPATH")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(hidden)}
    return {**kept, "PYTHONDONTWRITEBYTECODE": "1"}  # a test may change a revision twice within a second


def edited(project: Project, *changes: tuple[str, str]) -> Project:
    """Change the text of env.py."""
    path = project.folder / "migrations" / "env.py"
    text = path.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")
    return project
