"""A database that is missing, and is made before it is migrated: only by `upgrade`, and only where it is asked to."""

from __future__ import annotations

import signal
import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.runner.pgbouncer import pooled
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.runner.project import Process, Project, Run, Runner
    from tests.runner.server import Database

CREATE = ("--database", "environment", "--create-database", "IfMissing")
ELSEWHERE = "postgresql+{}://nobody:wrong@127.0.0.1:1/nowhere"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _exists(postgresql: Database, name: str) -> bool:
    return bool(postgresql.rows(f"select 1 from pg_database where datname = '{name}'"))


@pytest.fixture
def missing(postgresql: Database) -> Iterator[Database]:
    """A database that is not there, with a name that only quotes can hold."""
    name = f'Größe "x" {uuid.uuid4().hex[:8]}'
    yield postgresql.named(name)
    postgresql.rows(f"drop database if exists {_quoted(name)} with (force)")


@pytest.fixture
def user(postgresql: Database) -> Iterator[Database]:
    """The maintenance database as a user who may create databases and nothing else, a member of the role team_NAME."""
    name, secret = f"u{uuid.uuid4().hex[:8]}", uuid.uuid4().hex
    postgresql.rows(f"create role {name} login createdb password '{secret}'; create role team_{name} role {name}")
    yield replace(postgresql, user=name, password=secret)
    for (made,) in postgresql.rows(
        f"select quote_ident(datname) from pg_database where pg_get_userbyid(datdba) in ('{name}', 'team_{name}')"
    ):
        postgresql.rows(f"drop database {made} with (force)")
    postgresql.rows(f"drop owned by {name}, team_{name}; drop role {name}, team_{name}")


def _run(runner: Runner, project: Project, at: Database, *words: str, command: str = "upgrade") -> Run:
    return _start(runner, project, at, *words, command=command).finish()


def _start(runner: Runner, project: Project, at: Database, *words: str, command: str = "upgrade") -> Process:
    url = ELSEWHERE.format(project.driver)
    where = {"DATABASE_URL": at.url()} if project.driver == "asyncpg" else at.environment()
    return runner.start(project, command, *CREATE, *words, APP_URL=url, **where)


def _refused(run: Run, code: int, reason: str) -> str:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint
    return run.result.error.message


@pytest.mark.every_driver
def test_a_missing_database_is_made_whatever_its_name_and_belongs_to_its_owner(
    project: Project, runner: Runner, missing: Database, user: Database
) -> None:
    project.begin().table("one")
    run = _run(runner, project, replace(user, name=missing.name), "--create-owner", f"team_{user.user}")
    assert (run.code, run.result.to, missing.heads()) == (0, ("one",), ["one"]), run.stderr
    assert [one["database"] for one in run.said("database created")] == [missing.name]
    owner = missing.value("select pg_get_userbyid(datdba) from pg_database where datname = current_database()")
    assert owner == f"team_{user.user}"


def test_what_a_template_lacks_is_applied_to_its_copy_which_belongs_to_the_role_of_the_migration(
    any_project: Project, runner: Runner, postgresql: Database, missing: Database, user: Database
) -> None:
    template, team = user.named(f"template_{user.user}"), f"team_{user.user}"
    any_project.begin().table("one")
    assert _run(runner, any_project, template, "--role", team).code == 0
    any_project.table("two")
    postgresql.rows(f"alter database {template.name} allow_connections false")  # nobody is in the way of a copy
    at = replace(user, name=missing.name)
    run = _run(runner, any_project, at, "--role", team, "--create-template", template.name)
    postgresql.rows(f"alter database {template.name} allow_connections true")
    assert (run.code, run.result.from_, run.result.to) == (0, ("one",), ("two",)), run.stderr
    assert (template.heads(), missing.heads()) == (["one"], ["two"])
    tables = missing.rows("select tablename, tableowner from pg_tables where schemaname = 'public' order by 1")
    assert tables == [(name, team) for name in ("alembic_version", "one", "two")]


@contextmanager
def _nobody_can_make_one(postgresql: Database) -> Iterator[None]:
    """Let every CREATE DATABASE wait in its middle."""
    with postgresql.connect(autocommit=False) as other:
        other.execute("lock table pg_database in share mode")
        yield


def _creating(postgresql: Database, count: int = 1) -> None:
    waits = "select count(*) from pg_stat_activity where query ilike 'create database%' and wait_event_type = 'Lock'"
    until(lambda: postgresql.value(waits) == count)


def test_two_at_once_make_one(project: Project, runner: Runner, postgresql: Database, missing: Database) -> None:
    project.begin().table("one")
    with _nobody_can_make_one(postgresql):
        both = [_start(runner, project, missing) for _ in range(2)]
        _creating(postgresql, 2)
    runs = [one.finish() for one in both]
    assert [one.code for one in runs] == [0, 0], runs[0].stderr + runs[1].stderr
    assert sorted(len(one.result.applied) for one in runs) == [0, 1]
    for event in ("database created", "database created by another run"):
        assert sorted(len(one.said(event)) for one in runs) == [0, 1]


def test_a_runner_that_is_stopped_or_killed_in_the_middle_leaves_none_and_the_next_makes_it(
    any_project: Project, runner: Runner, postgresql: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    with _nobody_can_make_one(postgresql):
        stopped, killed = _start(runner, any_project, missing), _start(runner, any_project, missing)
        _creating(postgresql, 2)
        stopped.popen.send_signal(signal.SIGTERM)
        run = stopped.finish()
        killed.popen.kill()
        _creating(postgresql, 0)
    assert "did not end" not in _refused(run, 143, "Interrupted")
    assert run.said("cannot cancel the running statement") == []
    assert not _exists(postgresql, missing.name)
    assert _run(runner, any_project, missing).code == 0


def test_what_another_session_holds_up_is_tried_again_in_the_same_run(
    any_project: Project, runner: Runner, postgresql: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    with _nobody_can_make_one(postgresql):
        process = _start(runner, any_project, missing)
        until(lambda: process.said("retrying"))
    run = process.finish()
    assert (run.code, missing.heads()) == (0, ["one"]), run.stderr
    assert [one["reason"] for one in run.said("retrying")] == ["LockTimeout"]


def test_a_template_in_use_is_said_with_who_uses_it(
    any_project: Project, runner: Runner, database: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    with database.connect(application_name="reporting") as other:
        pid = other.info.backend_pid
        run = _run(runner, any_project, missing, "--create-template", database.name)
    message = _refused(run, 75, "TemplateInUse")
    assert f'"{database.name}" is in use: blocked by pid {pid} (reporting, user {database.user}, idle for' in message
    assert len(run.said("creating the database")) == 1


@pytest.mark.parametrize(
    ("words", "code", "reason", "said"),
    [
        (("--create-template", "nowhere"), 77, "DatabaseNotFound", 'template database "nowhere" does not exist'),
        (("--create-owner", "nobody"), 77, "RoleNotFound", 'role "nobody" does not exist'),
        (("--create-owner", "pg_monitor"), 77, "PermissionDenied", '"pg_monitor"'),
        (("--create-template", "postgres"), 77, "PermissionDenied", 'copy database "postgres"'),
    ],
)
def test_what_the_server_refuses_is_said_with_what_to_do(
    any_project: Project, runner: Runner, user: Database, words: tuple[str, ...], code: int, reason: str, said: str
) -> None:
    any_project.begin().table("one")
    message = _refused(_run(runner, any_project, user.named(f"x_{user.user}"), *words), code, reason)
    assert (f'cannot create database "x_{user.user}": ' in message, said in message) == (True, True), message


def test_a_template_whose_sorting_has_changed_below_the_server_is_said_with_what_to_do(
    any_project: Project, runner: Runner, postgresql: Database, database: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    postgresql.rows(f"update pg_database set datcollversion = '0' where datname = '{database.name}'")
    run = _run(runner, any_project, missing, "--create-template", database.name)
    assert f'"{database.name}" has a collation version' in _refused(run, 77, "DatabaseNotFound")
    assert run.result.error
    assert "REFRESH COLLATION VERSION" in run.result.error.hint


def test_a_user_without_the_right_is_told_so(
    any_project: Project, runner: Runner, postgresql: Database, user: Database
) -> None:
    any_project.begin().table("one")
    postgresql.rows(f"alter role {user.user} nocreatedb")
    run = _run(runner, any_project, user.named(f"x_{user.user}"))
    assert "permission denied to create database" in _refused(run, 77, "PermissionDenied")
    assert run.result.error
    assert "CREATEDB" in run.result.error.hint


def test_template1_is_asked_where_postgres_lets_nobody_in_and_both_are_named_where_neither_does(
    any_project: Project, runner: Runner, postgresql: Database, user: Database
) -> None:
    any_project.begin().table("one")
    try:
        postgresql.rows("revoke connect on database postgres from public")
        assert _run(runner, any_project, user.named(f"x_{user.user}")).code == 0
        postgresql.rows("revoke connect on database template1 from public")
        message = _refused(_run(runner, any_project, user.named(f"y_{user.user}")), 77, "DatabaseNotFound")
    finally:
        postgresql.rows("grant connect on database postgres, template1 to public")
    told = [f'permission denied for database "{one}"' in message for one in ("postgres", "template1")]
    assert told == [True, True], message


@pytest.mark.parametrize(("name", "said"), [("é" * 32, "64 bytes"), ("", "no name is given")])
def test_a_name_that_is_none_is_refused_before_anything_happens(
    any_project: Project, runner: Runner, postgresql: Database, name: str, said: str
) -> None:
    any_project.begin().table("one")
    url = postgresql.named(name).url()
    run = runner.run(any_project, "upgrade", *CREATE, APP_URL=ELSEWHERE.format("psycopg2"), DATABASE_URL=url)
    assert said in _refused(run, 64, "ConfigInvalid")
    assert postgresql.password not in run.everything


def test_nobody_else_makes_it_and_a_gate_says_that_it_waits_until_somebody_has(
    any_project: Project, runner: Runner, postgresql: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    gate = _start(runner, any_project, missing, command="gate")
    for command, target in (("check", "heads"), ("plan", "heads"), ("stamp", "heads"), ("downgrade", "base")):
        run = _run(runner, any_project, missing, "--target", target, command=command)
        assert "does not exist" in _refused(run, 77, "DatabaseNotFound")
    (waiting,) = until(lambda: gate.said("waiting"))
    assert f'FATAL:  database "{missing.name}" does not exist' in waiting["message"]
    assert not _exists(postgresql, missing.name)
    assert _run(runner, any_project, missing).code == 0
    assert gate.finish().code == 0


def test_the_database_of_tenants_is_made_too(any_project: Project, runner: Runner, missing: Database) -> None:
    any_project.begin().table("one")
    tenants = ("--tenants", '{"names": ["a", "b"], "create": "Missing"}')
    looked = _run(runner, any_project, missing, *tenants, command="check")
    assert "does not exist" in _refused(looked, 77, "DatabaseNotFound")
    run = _run(runner, any_project, missing, *tenants)
    assert (run.code, str(run.result.tenants)) == (0, "2 of 2 tenants are up to date"), run.stderr
    assert missing.heads("a.alembic_version") == missing.heads("b.alembic_version") == ["one"]


def test_a_pool_in_session_mode_is_no_hindrance_unless_it_knows_other_databases_only(
    any_project: Project, runner: Runner, postgresql: Database, missing: Database
) -> None:
    any_project.begin().table("one")
    with pooled(postgresql, "session", alias="known") as through:
        message = _refused(_run(runner, any_project, through.named(missing.name)), 77, "DatabaseNotFound")
    assert "no such database: postgres" in message
    with pooled(postgresql, "session", server_login_retry=1) as through:
        run = _run(runner, any_project, through.named(missing.name))
    assert (run.code, missing.heads()) == (0, ["one"]), run.stderr
