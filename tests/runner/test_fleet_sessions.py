"""A process of a fleet hands the session of one tenant to the next, with nothing of the tenant before left in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from tests.runner.project import Project
from tests.runner.test_fleets import ARGUMENT, ENVIRONMENT, fleet, make

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database

LOOKING = """
import json
from alembic import op
from sqlalchemy import text

revision = "one"
down_revision = None
FOUND = {
    "temporary": "select count(*) from pg_class where relpersistence = 't'",
    "prepared": "select count(*) from pg_prepared_statements where name !~ '^_pg3'",
    "listens": "select count(*) from pg_listening_channels()",
    "locks": "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and objsubid = 1",
    "key B": "select count(*) from pg_locks where pid = pg_backend_pid() and locktype = 'advisory' and objsubid = 2",
    "settings": "select current_setting('work_mem') || current_setting('lock_timeout') || current_user",
    "sequence": "select count(*) from pg_sequences where last_value is not null",
    "path": "show search_path",
}
LEAVES = (
    "create temporary table alembic_version_left (id serial)", "prepare p as select 1", "listen somebody",
    "select pg_advisory_lock(42)", "set work_mem = '77kB'", "set lock_timeout = '7s'", "set role pg_read_all_data",
    "reset role", "declare c cursor with hold for select 1",
)

def upgrade():
    bind = op.get_bind()
    found = {name: str(bind.execute(text(sql)).scalar()) for name, sql in FOUND.items()}
    where, session = bind.execute(text("select current_schema(), pg_backend_pid()")).one()
    row = {"w": where, "s": session, "f": json.dumps(found)}
    bind.execute(text("insert into public.seen values (:w, :s, :f)"), row)
    for one in LEAVES:
        op.execute(one)
    for one in MORE.get(where, ()):
        op.execute(one)

MORE = {
    "ws_2": ["set app.tenant = 'ws_2'"],
    "ws_3": ["alter database DATABASE set statement_timeout = '99min'"],
    "ws_5": ["select 1 from nowhere"],
    "ws_6": ["do 'begin end'"],
}
"""
"""It leaves in a session what DISCARD ALL undoes, and, in some tenants, what that does not, or what new ones have."""


def test_the_next_tenant_has_the_session_of_the_one_before_as_new_or_a_new_one_where_that_cannot_be(
    tmp_path: Path, runner: Runner, database: Database
) -> None:
    project = Project(tmp_path / "project", "psycopg").begin()
    project.write("migrations/env.py", ARGUMENT)
    project.write("migrations/versions/one.py", LOOKING.replace("DATABASE", database.name))
    names = [f"ws_{number}" for number in range(9)]
    make(database, *names)
    database.rows("create table public.seen (name text, session int, found json)")
    words = {"names": names, "argument": "tenant={}", "maxParallel": 1, "maxFailures": "50%"}
    run = fleet(runner, project, database, *("upgrade", *ENVIRONMENT), **words)
    assert str(run.result.tenants) == "8 of 9 tenants are up to date; 1 failed in one with 42P01: ws_5", run.stderr
    rows = database.rows("select name, session, found::text from public.seen order by name")
    first = json.loads(rows[0][2])
    assert [json.loads(found) for *_, found in rows] == [{**first, "path": name} for name, *_ in rows]
    sessions = {name: session for name, session, _ in rows}
    kept = {name for name, before in zip(names[1:], names, strict=False) if sessions.get(name) == sessions.get(before)}
    assert kept == {"ws_1", "ws_2", "ws_8"}, sessions
