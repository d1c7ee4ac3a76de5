"""Who is in a revision's way: in the message of a lock timeout, and every ten seconds in the log."""

from __future__ import annotations

import re
import signal
from typing import TYPE_CHECKING, Any

from tests.runner.project import DRIVERS, Project
from tests.runner.server import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runner.project import Process, Runner
    from tests.runner.server import Database

ALTER = "alter table busy add column name text default 'secret value'"


def _busy(database: Database) -> None:
    database.rows("create table busy (id int)")


def test_a_lock_timeout_names_who_holds_the_lock(project: Project, runner: Runner, database: Database) -> None:
    _busy(database)
    project.begin().revision("one", f'op.execute("{ALTER}")')
    with database.connect(autocommit=False, application_name="night job") as holder:
        holder.execute("select 'their data' from busy")
        process = runner.start(project, "upgrade", "--lock-timeout", "400ms", APP_URL=database.url(project.driver))
        until(lambda: len(process.said("retrying")) >= 2)
        holder.rollback()
        pid = holder.info.backend_pid
    run = process.finish()
    assert run.code == 0, run.stderr
    text = run.said("retrying")[1]["message"]
    known = r"night job, user owner, idle in transaction for \d+ s, transaction age \d+ s"
    assert re.fullmatch(rf"canceling statement due to lock timeout; blocked by pid {pid} \({known}\)", text), text
    assert "their data" not in run.everything
    (failed, *_) = run.said("revision failed")
    assert (failed["revision"], failed["reason"]) == ("one", "LockTimeout")
    assert failed["ms"] >= 400
    assert run.result.lock_ms >= 800  # what two of them waited, and the pauses after them
    assert run.result.applied[0].ms < run.result.lock_ms


def test_the_result_of_a_deadline_that_came_before_any_revision_says_that_env_py_took_the_time(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    any_project.begin(before="import time; time.sleep(60)").table("one")
    run = runner.run(any_project, "upgrade", "--deadline", deadline, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    words = "the deadline was reached while waiting for env.py, which has not called context.configure() yet"
    assert run.result.error.message == words


def test_the_result_of_the_deadline_names_who_held_the_lock_last(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    _busy(database)
    any_project.begin().revision("one", f'op.execute("{ALTER}")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy")
        words = ("upgrade", "--lock-timeout", "0s", "--deadline", deadline)
        run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
        pid = holder.info.backend_pid
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    assert f"blocked by pid {pid} (" in run.result.error.message
    assert f"end it: SELECT pg_terminate_backend({pid})" in run.result.error.hint
    assert "\n" not in run.result.error.message


def test_a_connection_that_the_project_itself_forgot_is_told_as_such_and_not_waited_for_to_the_end(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    _busy(database)
    any_project.begin(before="forgotten = connectable.connect(); forgotten.execute(text('select 1 from busy'))")
    any_project.revision("one", f'op.execute("{ALTER}")')
    run = runner.run(any_project, "upgrade", "--lock-timeout", "400ms", APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason, len(run.said("retrying"))) == (70, "RevisionFailed", 2), run.stderr
    assert run.result.error
    assert "(another connection of this run, user owner, idle in transaction" in run.result.error.message
    assert "op.get_bind() alone" in run.result.error.hint
    words = ("upgrade", "--lock-timeout", "0s", "--deadline", deadline)
    run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    assert "op.get_bind() alone" in run.result.error.hint


def test_a_deadline_in_an_attempt_that_has_not_met_the_lock_names_who_held_it_before(
    any_project: Project, runner: Runner, database: Database, deadline: str
) -> None:
    _busy(database)
    pause = "import time; os.path.exists('tried') and time.sleep(60); open('tried', 'w').close()"
    any_project.begin(before=pause)
    any_project.revision("one", f'op.execute("{ALTER}")')
    with database.connect(autocommit=False) as holder:
        holder.execute("lock table busy")
        words = ("upgrade", "--lock-timeout", "400ms", "--deadline", deadline)
        run = runner.run(any_project, *words, APP_URL=database.url("psycopg2"))
        pid = holder.info.backend_pid
    assert (run.code, run.result.reason) == (76, "DeadlineExceeded"), run.stderr
    assert run.result.error
    assert run.result.error.message.count(f"blocked by pid {pid} (") == 1
    assert f"end it: SELECT pg_terminate_backend({pid})" in run.result.error.hint


def test_a_user_who_may_see_little_is_told_what_is_known(
    any_project: Project, runner: Runner, database: Database
) -> None:
    _busy(database)
    role = f"app_{database.name}"
    database.rows(f"create role {role} login password 'secret'; alter table busy owner to {role}")
    database.rows(f"grant create, usage on schema public to {role}")
    any_project.begin().revision("one", f'op.execute("{ALTER}")')
    url = f"postgresql+psycopg2://{role}:secret@{database.host}:{database.port}/{database.name}"
    try:
        with database.connect(autocommit=False, application_name="night job") as holder:
            holder.execute("lock table busy in access share mode")
            process = runner.start(any_project, "upgrade", "--lock-timeout", "400ms", APP_URL=url)
            until(lambda: len(process.said("retrying")) >= 2)
            holder.rollback()
            pid = holder.info.backend_pid
        run = process.finish()
        assert f"blocked by pid {pid} (night job, user owner)" in run.said("retrying")[1]["message"]
    finally:
        database.rows(f"drop owned by {role} cascade; drop role {role}")


def test_watching_takes_no_connection_from_who_cancels_the_statement(
    any_project: Project, runner: Runner, database: Database
) -> None:
    role = f"app_{database.name}"
    database.rows(f"create role {role} login password 'secret' connection limit 3")
    database.rows(f"grant create, usage on schema public to {role}")
    any_project.begin().revision("one", 'op.execute("select pg_sleep(65)")')
    url = f"postgresql+psycopg2://{role}:secret@{database.host}:{database.port}/{database.name}"
    try:
        process = runner.start(any_project, "upgrade", APP_URL=url)
        until(lambda: _watching(database), what="its own connection")
        process.popen.send_signal(signal.SIGTERM)
        run = process.finish()
        assert run.code == 143, run.stderr
        assert run.result.error
        assert run.result.error.statement == "select pg_sleep(?)", "it was cancelled, not given up"
    finally:
        database.rows(f"drop owned by {role} cascade; drop role {role}")


LOGGING = """
[loggers]
keys = root
[handlers]
keys = none
[formatters]
keys =
[logger_root]
level = CRITICAL
handlers = none
[handler_none]
class = NullHandler
args = ()
"""


def _blocked_in_autocommit(folder: Path, driver: str) -> Project:
    project = Project(folder, driver).begin()
    project.write("alembic.ini", (folder / "alembic.ini").read_text() + LOGGING)
    env = folder / "migrations" / "env.py"
    silence = "\nfrom logging.config import fileConfig\nfileConfig(context.config.config_file_name)\n"
    env.write_text(env.read_text().replace("\nconfig = context.config\n", silence))
    body = f'with op.get_context().autocommit_block():\n    op.execute("{ALTER.replace("name", driver)}")'
    return project.revision("one", body)


def test_every_ten_seconds_a_run_says_what_it_does_and_what_it_waits_for(
    tmp_path: Path, runner: Runner, database: Database
) -> None:
    _busy(database)
    python = Project(tmp_path / "python").begin()
    python.revision("one", "import os, time\nwhile not os.path.exists('enough'): time.sleep(0.1)")
    with database.connect(autocommit=False, application_name="night job") as holder:
        holder.execute("select * from busy")
        in_python, without_role = _start(runner, python, database), _start(runner, python, database, "--role", "nobody")
        blocked = [_start(runner, _blocked_in_autocommit(tmp_path / one, one), database) for one in DRIVERS]
        for pid in until(
            lambda: len(_watching(database)) > len(DRIVERS) and _watching(database), 60, "own connections"
        ):
            database.rows(f"select pg_terminate_backend({pid})")
        lines = [_heartbeat(one, lambda line: "blocked by" in line) for one in blocked]
        _heartbeat(
            in_python, lambda line: line["message"].endswith("in Python: no statement is running in the database")
        )
        _heartbeat(without_role, lambda line: line["message"].endswith('s: waiting for the role "nobody"'))
        without_role.popen.kill()
        until(lambda: set(_watching(database).values()) == {("idle", None)}, 60, "they are there again, and idle")
        holder.rollback()
        python.write("enough", "")
        pid = holder.info.backend_pid
    for line in lines:
        assert line["revision"] == "one"
        assert re.fullmatch(r"alter table busy add column \w+ text default \?", line["statement"])
        assert line["waiting for"] == "Lock/relation"
        assert 2 < line["seconds"] <= line["revision seconds"]
        blocker = line["blocked by"][0]  # the others wait in the same queue, and began later
        assert (blocker["pid"], blocker["application"], blocker["state"]) == (pid, "night job", "idle in transaction")
        assert 0 <= blocker["idle seconds"] <= blocker["transaction seconds"]
        words = rf"revision 1 of 1, one, for \d+ s: waits for pid {pid} \(night job, idle in transaction for \d+ s\)"
        assert re.fullmatch(words, line["message"]), line["message"]
    assert [one.finish().code for one in (*blocked, in_python)] == [0, 0, 0, 0]


def _start(runner: Runner, project: Project, database: Database, *more: str) -> Process:
    words = ("upgrade", "--schema", project.folder.name, *more)
    return runner.start(project, *words, APP_URL=database.url(project.driver))


def _heartbeat(process: Process, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return the first line that is wanted: on a busy machine some tell of what comes before."""
    return dict(until(lambda: [line for line in process.said("running") if wanted(line)], 60, "a heartbeat")[0])


def _watching(database: Database) -> dict[int, tuple[str, object]]:
    rows = database.rows(
        "select pid, state, xact_start from pg_stat_activity where application_name like 'alembic-operator/%/own'"
        " and query like '%pg_blocking_pids%' and datname = current_database()"
    )
    return {int(pid): (str(state), since) for pid, state, since in rows}
