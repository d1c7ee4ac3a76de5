"""env.py files as people write them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.runner.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.runner.project import Runner
    from tests.runner.server import Database


def test_a_statement_before_configure_does_not_roll_the_upgrade_back(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin(before='connection.execute(text("create schema if not exists app"))').table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, run.result.reason, database.heads()) == (0, "UpToDate", ["one"]), run.stderr
    assert database.value("select to_regnamespace('app')") is not None


def test_an_explicit_transaction_of_env_py_is_respected(runner: Runner, database: Database, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", "psycopg2").begin().table("one").table("two")
    _begin_instead_of_connect(project)
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["two"]), run.stderr
    assert run.said("external transaction")


def test_what_env_py_did_in_its_own_transaction_before_configure_is_kept(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", "psycopg2")
    project.begin(before='connection.execute(text("create schema app"))').table("one")
    _begin_instead_of_connect(project)
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert database.value("select to_regnamespace('app')") is not None


def test_psycopg_may_be_asynchronous(runner: Runner, database: Database, tmp_path: Path) -> None:
    project = Project(tmp_path / "project", "asyncpg").begin().table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_failure_in_an_explicit_transaction_rolls_everything_back(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", "psycopg2").begin().table("one").revision("two", "1 / 0")
    _begin_instead_of_connect(project)
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.to, run.result.applied, database.heads()) == (70, (), (), []), run.stderr


def _begin_instead_of_connect(project: Project) -> None:
    path = project.folder / "migrations" / "env.py"
    path.write_text(path.read_text().replace("connectable.connect()", "connectable.begin()"))


@pytest.mark.parametrize("driver", ["psycopg2", "asyncpg"])
def test_what_env_py_rolls_back_is_not_reported_as_applied(
    driver: str, runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", driver)
    project.begin(
        before="trans = connection.begin()",
        after="await connection.rollback()" if driver == "asyncpg" else "trans.rollback()",
    )
    project.table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(driver))
    assert (run.code, run.result.reason) == (70, "NotCommitted"), run.stderr
    assert (run.result.applied, run.result.to, run.result.pending, database.heads()) == ((), (), 1, [])
    assert run.result.error
    assert run.result.error.hint


def test_a_version_whose_work_was_rolled_back_is_not_taken_for_success(
    runner: Runner, database: Database, tmp_path: Path
) -> None:
    project = Project(tmp_path / "project", "psycopg2")
    database.rows("create table alembic_version (version_num varchar(32) primary key)")
    row = 'connection.execute(text("insert into alembic_version values (chr(50))"))'
    project.begin(before="trans = connection.begin()", after=f"trans.rollback(); {row}; connection.commit()")
    project.table("one").revision("2", 'op.execute("create table two (id int)")')
    run = runner.run(project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to) == (70, "NotCommitted", ("2",)), run.stderr
    assert run.result.error
    assert "one, 2" in run.result.error.message
    assert database.value("select to_regclass('two')") is None


def test_a_version_that_is_gone_in_the_end_is_no_success(
    any_project: Project, runner: Runner, database: Database
) -> None:
    before = 'connection = connection.execution_options(isolation_level="AUTOCOMMIT")'
    any_project.begin(before=before, after='connection.execute(text("delete from alembic_version"))').table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.applied) == (70, "NotCommitted", ()), run.stderr


def test_an_env_py_that_does_nothing_reaches_no_revision_that_the_target_names(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    any_project.write("migrations/env.py", "print('hello')\n")
    run = runner.run(any_project, "upgrade", "--target", "one", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "EnvFailed")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, run.result.to) == (0, "UpToDate", ())
    assert "nothing was migrated" in run.result.warnings[0]


def test_an_env_py_that_ends_itself_without_an_error_has_ended_well(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(after="raise SystemExit(0)").table("one")
    for command in ("upgrade", "check", "gate"):
        run = runner.run(any_project, command, APP_URL=database.url("psycopg2"))
        assert (run.code, run.result.reason, database.heads()) == (0, "UpToDate", ["one"]), run.stderr


def test_an_env_py_that_configures_no_connection_failed(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    lines = "context.configure(url='postgresql://', literal_binds=True)\ncontext.run_migrations()\n"
    any_project.write("migrations/env.py", f"from alembic import context\n{lines}")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (70, "EnvFailed"), run.stderr
    assert run.result.error
    assert "no connection" in run.result.error.message


@pytest.mark.parametrize(
    ("line", "code", "reason"),
    [
        ("raise ValueError('settings are wrong')", 70, "EnvFailed"),
        ("import not_there_at_all", 70, "EnvFailed"),
        ("import sys; sys.exit(3)", 70, "EnvFailed"),
        ("import os; os._exit(0)", 70, "EnvFailed"),
        ("def broken(:", 70, "EnvFailed"),
        ("raise KeyboardInterrupt", 70, "EnvFailed"),
    ],
)
def test_an_error_of_env_py_ends_in_a_result(
    any_project: Project, runner: Runner, line: str, code: int, reason: str
) -> None:
    any_project.begin().table("one")
    any_project.write("migrations/env.py", f"{line}\n")
    run = runner.run(any_project, "upgrade")
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.message


@pytest.mark.parametrize(
    "line", ["os._exit(0)", "one = threading.Thread(target=os._exit, args=[0]); one.start(); one.join()"]
)
def test_a_revision_that_ends_the_process_is_no_success(
    any_project: Project, runner: Runner, database: Database, line: str
) -> None:
    any_project.begin().revision("one", f"import os, threading; {line}")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (70, []), run.stderr
    assert run.result.error
    assert "os._exit(0)" in run.result.error.message


@pytest.mark.parametrize(
    ("library", "hint"),
    [
        ("raise ModuleNotFoundError(name='sqlalchemy')", "interpreter"),
        ("__version__ = '1.3'", "oldest"),
        ("", "Rename that folder"),
    ],
)
def test_an_image_without_sqlalchemy_is_told_from_one_with_too_old_a_one(
    any_project: Project, runner: Runner, library: str, hint: str
) -> None:
    any_project.begin().table("one").write("older/sqlalchemy/__init__.py", f"{library}\n")
    run = runner.run(any_project, "upgrade", PYTHONPATH=str(any_project.folder / "older"))
    assert (run.code, run.result.reason) == (64, "AlembicNotFound"), run.stderr
    assert run.result.error
    assert hint in run.result.error.hint


def test_an_env_py_that_swallows_errors_does_not_hide_a_wrong_database(any_project: Project, runner: Runner) -> None:
    any_project.begin().table("one")
    path = any_project.folder / "migrations" / "env.py"
    lines = path.read_text().replace(
        "\nrun_migrations_online()", "\ntry:\n    run_migrations_online()\nexcept Exception:\n    pass"
    )
    path.write_text(lines)
    run = runner.run(any_project, "upgrade", APP_URL="sqlite://")
    assert (run.code, run.result.reason) == (64, "NotPostgreSQL")


def test_on_version_apply_of_env_py_is_still_called(project: Project, runner: Runner, database: Database) -> None:
    project.begin(arguments=", on_version_apply=lambda step, **kw: print('applied', step.up_revision_id)").table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert run.code == 0
    assert "applied one" in run.stderr


def test_a_version_table_of_its_own_is_read_back(project: Project, runner: Runner, database: Database) -> None:
    database.rows("create schema ledger")
    project.begin(arguments=", version_table='applied', version_table_schema='ledger'").table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, database.heads("ledger.applied")) == (0, ["one"]), run.stderr


def test_a_search_path_that_env_py_sets_is_followed(project: Project, runner: Runner, database: Database) -> None:
    database.rows("create schema tenant")
    project.begin(before='connection.execute(text("set search_path to tenant"))').table("one")
    run = runner.run(project, "upgrade", APP_URL=database.url(project.driver))
    assert (run.code, database.heads("tenant.alembic_version")) == (0, ["one"]), run.stderr


def test_several_databases_of_one_env_py_are_all_upgraded_and_read_back(
    runner: Runner, database: Database, postgresql: Database, tmp_path: Path
) -> None:
    other = postgresql.named(f"{database.name}_b")
    postgresql.rows(f"create database {other.name}")
    try:
        project = Project(tmp_path / "project", "psycopg2").begin().table("one")
        path = project.folder / "migrations" / "env.py"
        text = path.read_text().replace('os.environ["APP_URL"]', "url").replace("online():", "online(url):")
        text = text.replace("\nrun_migrations_online(url)", "").replace("\nrun_migrations_online()", "")
        path.write_text(text + 'for url in os.environ["APP_URL"].split():\n    run_migrations_online(url)\n')
        urls = f"{database.url('psycopg2')} {other.url('psycopg2')}"
        run = runner.run(project, "upgrade", APP_URL=urls)
        assert (run.code, database.heads(), other.heads()) == (0, ["one"], ["one"]), run.stderr
        assert other.value("select setting from pg_settings where name = 'lock_timeout'") == "0"
    finally:
        postgresql.rows(f"drop database {other.name} with (force)")


def test_arguments_for_env_py_arrive(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin(before="print('tenant', context.get_x_argument(as_dictionary=True)['tenant'])").table("one")
    run = runner.run(any_project, "upgrade", "-x", "tenant=acme", APP_URL=database.url("psycopg2"))
    assert (run.code, "tenant acme" in run.stderr) == (0, True)


def test_logging_of_env_py_does_not_silence_the_runner(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin(before="import logging.config; logging.config.dictConfig({'version': 1})").table("one")
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert [one["revision"] for one in run.said("revision applied")] == ["one"]
    assert run.said("revision applied")[0]["ms"] >= 0


def test_an_env_py_that_goes_elsewhere_and_closes_its_streams_can_be_tried_again(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create sequence tries")
    any_project.begin(before="import sys; os.chdir('/'); sys.stdout.close(); sys.stderr = None").revision(
        "one",
        """
        if op.get_bind().scalar(sa.text("select nextval('tries')")) == 1:
            op.execute("do $$ begin raise exception 'once more' using errcode = '40001'; end $$")
        """,
    )
    run = runner.run(any_project, "upgrade", APP_URL=database.url("psycopg2"))
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr
    assert len(run.said("retrying")) == 1


def test_settings_that_pydantic_refuses_are_named_without_their_values(project: Project, runner: Runner) -> None:
    project.begin().table("one")
    lines = ("import pydantic", "class Settings(pydantic.BaseModel):", "    url: str", "    size: int")
    project.write("migrations/env.py", "\n".join((*lines, "Settings(size='t0p-secret')", "")))
    run = runner.run(project, "upgrade")
    assert (run.code, run.result.reason) == (70, "EnvFailed"), run.stderr
    assert run.result.error
    assert all(f"{name}: " in run.result.error.message for name in ("url", "size")), run.result.error
    assert "t0p-secret" not in run.result.error.message
