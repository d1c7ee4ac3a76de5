"""Measure a fleet of tenants beside a loop over alembic: `python -m tests.bench.tenants`."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.bench import conditions
from tests.bench.table import Row, markdown
from tests.runner import server
from tests.runner.project import SYNC_ENV, Project, Runner, base_environment
from tests.runner.server import Database
from tools import build_runner

ALEMBIC = Path(sys.executable).with_name("alembic")
_REVISIONS = 20
_ENV = """
import os
from alembic import context
from sqlalchemy import create_engine, pool, text

tenant = context.get_x_argument(as_dictionary=True)["tenant"]
with create_engine(os.environ["APP_URL"], poolclass=pool.NullPool).connect() as connection:
    connection.execute(text(f'set search_path to "{tenant}"'))
    connection.commit()
    connection.dialect.default_schema_name = tenant
    context.configure(connection=connection, version_table_schema=tenant)
    with context.begin_transaction():
        context.run_migrations()
"""
_SCHEMAS_AT_ONCE = 50


def statements(number: int) -> list[str]:
    """Return what one revision does."""
    table = f"t{number}"
    return [
        f"create table {table} (id bigserial primary key, name text not null, at timestamptz default now())",
        f"create index {table}_name on {table} (name)",
        f"alter table {table} add column note varchar(80)",
    ]


@dataclass
class Stage:
    """A database with many schemas and a project of 20 revisions."""

    database: Database
    project: Project
    runner: Runner
    programs: Path

    @property
    def variables(self) -> dict[str, str]:
        """Return what every program is told."""
        return {"APP_URL": self.database.url(self.project.driver), **self.database.environment()}

    def loop(self, names: list[str], target: str = "head") -> float:
        """Return the seconds of the loop over some tenants."""
        begun = time.monotonic()
        for name in names:
            words: list[str | Path] = [ALEMBIC, "-x", f"tenant={name}", "upgrade", target]
            environment = {**base_environment(), **self.variables}
            subprocess.run(words, cwd=self.project.folder, env=environment, check=True, capture_output=True)
        return time.monotonic() - begun

    def fleet(self, target: str = "heads", **more: str) -> float:
        """Return the seconds of the runner over all of them."""
        asked = json.dumps({"pattern": "ws\\_%", **more})
        begun = time.monotonic()
        run = self.runner.run(
            self.project,
            *("upgrade", "--database", "environment", "--target", target, "--tenants", asked),
            **self.variables,
        )
        seconds = time.monotonic() - begun
        if run.code:
            raise SystemExit(run.stderr)
        return seconds

    def psql(self, names: list[str]) -> float:
        """Return the seconds of psql with the same statements, over one connection."""
        file = self.project.folder / "all.sql"
        file.write_text("\n".join(self._sql(name) for name in names), encoding="utf-8")
        begun = time.monotonic()
        environment = {**os.environ, **self.database.environment()}
        subprocess.run([self.programs / "psql", "-q", "-v", "ON_ERROR_STOP=1", "-f", file], env=environment, check=True)
        return time.monotonic() - begun

    def _sql(self, name: str) -> str:
        lines = [f"set search_path to {name};", "create table alembic_version (version_num varchar(32) primary key);"]
        for number in range(_REVISIONS):
            moved = f"insert into alembic_version values ('r{number:02}')"
            if number:
                moved = f"update alembic_version set version_num = 'r{number:02}'"
            lines += ["begin;", *(f"{one};" for one in statements(number)), f"{moved};", "commit;"]
        return "\n".join(lines)

    def schemas(self, prefix: str, count: int) -> list[str]:
        """Make schemas, and return their names."""
        names = [f"{prefix}_{number}" for number in range(count)]
        for at in range(0, count, _SCHEMAS_AT_ONCE):
            self.database.rows("; ".join(f"create schema {one}" for one in names[at : at + _SCHEMAS_AT_ONCE]))
        return names

    def drop(self, names: list[str]) -> None:
        """Drop them again, not too many in a transaction."""
        for name in names:
            self.database.rows(f"drop schema {name} cascade")


@contextmanager
def stage() -> Iterator[Stage]:
    """Yield it; the database is thrown away."""
    with server.own({"max_connections": "100"}) as postgres, TemporaryDirectory() as folder:
        runner = Runner(build_runner.build(Path(folder) / "runner.pyz"), Path(folder))
        project = Project(Path(folder) / "project", "psycopg").begin()
        project.write("migrations/env.py", _ENV)
        for number in range(_REVISIONS):
            body = "\n".join(f"op.execute({one!r})" for one in statements(number))
            project.revision(f"r{number:02}", body)
        database = postgres.database
        database.rows("create database fleet")
        yield Stage(database.named("fleet"), project, runner, postgres.programs)
        runner.close()


def few(on: Stage, count: int, sampled: int) -> Iterator[Row]:
    """Compare with the loop, of which a sample is measured, and with psql, which has all of it to do."""
    names = on.schemas("ws", count)
    sample = on.schemas("loop", sampled)
    scale = count / sampled
    floor = on.psql(on.schemas("psql", count))
    looped = on.loop(sample) * scale
    argument = {"argument": "tenant={}"}
    all_pending = on.fleet(**argument)
    yield Row(
        f"{count} schemas, all of 20 pending", (all_pending / floor,), (1.3,), "of psql -f", _said(all_pending, floor)
    )
    yield Row(
        f"{count} schemas, all of 20 pending",
        (looped / all_pending,),
        (None,),
        "times faster than the loop",
        _said(all_pending, looped),
    )
    nothing, loop = on.fleet(**argument), on.loop(sample) * scale
    yield Row(
        f"{count} schemas, nothing pending: its part of the loop's time",
        (nothing / loop,),
        (1 / 40,),
        "",
        _said(nothing, loop),
    )
    on.project.revision("r20", "op.execute('create table one_more (id int)')")
    one, loop = on.fleet(**argument), on.loop(sample) * scale
    yield Row(
        f"{count} schemas, one pending: its part of the loop's time", (one / loop,), (1 / 25,), "", _said(one, loop)
    )
    on.drop([*names, *sample])


def many(on: Stage, count: int, behind: int) -> Iterator[Row]:
    """Measure a large fleet."""
    names = on.schemas("ws", count)
    head = on.project.last
    for at in range(0, count, _SCHEMAS_AT_ONCE):
        made = "create table {0}.alembic_version as select '{1}'::varchar(32) as version_num"
        on.database.rows("; ".join(made.format(one, head) for one in names[at : at + _SCHEMAS_AT_ONCE]))
    on.project.write("migrations/env.py", SYNC_ENV.format(before="pass", arguments="", after="pass"))
    yield Row(f"{count:,} schemas, none behind, the first run", (on.fleet(),), (None,), "s", "it writes the table")
    yield Row(f"{count:,} schemas, none behind", (on.fleet(),), (2.0,), "s", "")
    for name in names[:: count // behind]:
        on.database.rows(f"update {name}.alembic_version set version_num = '{_before(head)}'")
    yield Row(f"{count:,} schemas, {behind} behind", (on.fleet(),), (10.0,), "s", "")
    on.project.write("migrations/env.py", _ENV)
    yield Row(f"{count:,} schemas, none behind, env.py with -x", (on.fleet(argument="tenant={}"),), (2.0,), "s", "")


def _before(head: str | None) -> str:
    return f"r{int(str(head)[1:]) - 1:02}"


def _said(ours: float, theirs: float) -> str:
    return f"{ours:.1f} s against {theirs:.1f} s"


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.tenants", description=__doc__)
    parser.add_argument("--few", type=int, default=128, help="schemas beside the loop")
    parser.add_argument("--sample", type=int, default=16, help="of them are really looped over")
    parser.add_argument("--many", type=int, default=10_000, help="schemas of the large fleet")
    words = parser.parse_args()
    before = conditions.load_average()
    rows: list[Row] = []
    parts: list[Callable[[Stage], Iterator[Row]]] = []
    if words.few:
        parts.append(lambda on: few(on, words.few, words.sample))
    if words.many:
        parts.append(lambda on: many(on, words.many, 100))
    for part in parts:
        with stage() as on:
            for row in part(on):
                rows.append(row)
                sys.stderr.write(f"{' | '.join(row.cells())}\n")
    sys.stdout.write(f"{markdown(rows)}\n\n{conditions.machine(before)}.\n")


if __name__ == "__main__":
    main()
