"""A run that takes long says how far it is: to whoever asks its pod, in its log, at the foot of a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from alembic_operator.contract import PROGRESS_VARIABLE
from alembic_operator.contract.progress import PROGRESS_PORTS
from alembic_operator.runner.database import direct
from alembic_operator.runner.database.address import Address
from alembic_operator.runner.database.builds import Builds
from tests.runner.project import base_environment
from tests.runner.server import until

if TYPE_CHECKING:
    from tests.runner.project import Project, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.xdist_group("progress")  # who says how far it is listens at the same ports

CONCURRENTLY = """
with op.get_context().autocommit_block():
    op.execute("create index concurrently late on busy (id) where name <> 'secret value'")
"""
PATCHED = """
import importlib.util
if importlib.util.find_spec("gevent"):  # not in the environments of the oldest libraries
    from gevent import monkey
    monkey.patch_all()
"""
CHILD = "import time; os.fork() or (time.sleep(60), os._exit(0))"


def _talk(port: int, *, say: bytes = b"GET / HTTP/1.0\r\n\r\n") -> bytes:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(say)
        connection.settimeout(5)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def _answers() -> dict[str, tuple[int, dict[str, Any]]]:
    """Return what listens on this machine, by its name."""
    found = {}
    for port in PROGRESS_PORTS:
        try:
            said = json.loads(_talk(port).partition(b"\r\n\r\n")[2])
        except OSError:
            continue
        found[said["run"]] = port, said
    return found


def _when(run: str, wanted: str, value: str = "") -> tuple[int, dict[str, Any]]:
    """Return the port of a run, and the first answer that has what is wanted."""

    def found() -> tuple[int, dict[str, Any]] | None:
        port, said = _answers().get(run, (0, {}))
        return (port, said) if said.get(wanted) and value in ("", said[wanted]) else None

    port, said = until(found, 60, f"{run} says {wanted}")
    return int(port), dict(said)


def test_a_run_answers_who_is_in_its_way_and_how_far_it_is_and_its_log_says_the_same(
    any_project: Project, runner: Runner, database: Database
) -> None:
    """Also where gevent has patched everything before the runner starts, and where env.py leaves a child."""
    name, environment = f"shop/{uuid.uuid4().hex}", {"APP_URL": database.url("psycopg2")}
    database.rows("create table busy (id int, name text)")
    any_project.begin(before=CHILD).table("one").table("two").revision("three", CONCURRENTLY)
    any_project.write("site/sitecustomize.py", PATCHED)
    environment["PYTHONPATH"] = str(any_project.folder / "site")
    with database.connect(autocommit=False, application_name="night job") as holder:
        holder.execute("insert into busy values (1, 'their data')")
        process = runner.start(any_project, "upgrade", **environment, **{PROGRESS_VARIABLE: name})
        port, said = _when(name, "waiting_for")
        _, later = until(lambda: (found := _answers()[name])[1]["at"] > said["at"] and found, 10, "a later answer")
        rival = runner.start(any_project, "upgrade", **environment, **{PROGRESS_VARIABLE: f"{name}/2"})
        other, waits = _when(f"{name}/2", "waiting_for")
        _is_polite(port)
        pid = holder.info.backend_pid
        until(lambda: process.said("running"), 30, "a line")
        holder.rollback()
    assert (said["index"], said["of"], said["revision"]) == (3, 3, "three")
    blocker = said["waiting_for"]
    assert (blocker["pid"], blocker["application"], blocker["user"]) == (pid, "night job", "owner")
    assert (blocker["state"], 0 <= blocker["seconds"] < 60) == ("idle in transaction", True)
    build = said["build"]
    assert (build["command"], build["done"], build["total"]) == ("CREATE INDEX CONCURRENTLY", 0, 1)
    assert build["phase"] == "waiting for writers before build"
    assert said["statement"] == "create index concurrently late on busy (id) where name <> ?"
    assert later["moved"] == pytest.approx(said["moved"], abs=0.5), "who waits does not move"
    assert said["since"] <= said["moved"] <= said["at"]
    assert other != port
    assert waits["note"] == 'another migration of "public"."alembic_version":'
    assert waits["waiting_for"]["application"] == f"pod {socket.gethostname()}"
    run = process.finish()
    assert [one.code for one in (run, rival.finish())] == [0, 0], run.stderr
    _tells_the_same(run.said("running"), pid)
    assert "their data" not in run.everything + json.dumps(said)
    with pytest.raises(ConnectionRefusedError):  # although its child lives
        _talk(port)


def test_between_two_attempts_it_says_who_was_in_the_way_of_the_last_one(
    any_project: Project, runner: Runner, database: Database
) -> None:
    database.rows("create table busy (id int)")
    any_project.begin().revision("one", 'op.execute("drop table busy")')
    environment = {"APP_URL": database.url("psycopg2"), PROGRESS_VARIABLE: f"shop/{uuid.uuid4().hex}"}
    with database.connect(autocommit=False, application_name="night job") as holder:
        holder.execute("lock table busy")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "50ms", **environment)
        _, said = _when(environment[PROGRESS_VARIABLE], "note", "another attempt; in the way of the last one was")
        holder.rollback()
        assert (said["revision"], said["waiting_for"]["pid"]) == ("one", holder.info.backend_pid)
    assert process.finish().code == 0


def test_of_tenants_it_says_who_is_in_the_way_of_the_slowest_and_when_all_will_be_done(
    any_project: Project, runner: Runner, database: Database
) -> None:
    names = ["ws_1", "ws_2", "ws_3"]
    for name in names:
        database.rows(f"create schema {name}; create table {name}.busy (id int)")
    any_project.begin().revision("one", 'op.execute("drop table busy")')
    environment = {"APP_URL": database.url("psycopg2"), PROGRESS_VARIABLE: f"shop/{uuid.uuid4().hex}"}
    tenants = json.dumps({"names": names, "maxParallel": 2})
    with database.connect(autocommit=False, application_name="night job") as holder:
        holder.execute("lock table ws_2.busy")
        process = runner.start(any_project, "upgrade", "--lock-timeout", "1h", "--tenants", tenants, **environment)
        _, said = _when(environment[PROGRESS_VARIABLE], "waiting_for")
        until(lambda: process.said("running"), 30, "a line")
        pid = holder.info.backend_pid
        holder.rollback()
    blocker, fleet = said["waiting_for"], said["tenants"]
    assert (blocker["pid"], blocker["application"], blocker["state"]) == (pid, "night job", "idle in transaction")
    assert (fleet["slowest"], fleet["up_to_date"], fleet["total"]) == ("ws_2", 2, 3)
    assert fleet["eta_seconds"] > 0
    assert (said["revision"], said["statement"], said["note"]) == ("one", "drop table busy", "")
    words = rf"Tenants: 2 of 3 done, .* left, slowest ws_2, which waits for pid {pid} \(night job, idle in transaction"
    assert re.match(words, process.said("running")[0]["message"])
    run = process.finish()
    assert (run.code, str(run.result.tenants)) == (0, "3 of 3 tenants are up to date"), run.stderr


def _tells_the_same(lines: list[dict[str, Any]], pid: int) -> None:
    words = rf"revision 3 of 3, three, for \d+ s: waits for pid {pid} \(night job, idle in transaction for \d+ s\);"
    assert re.match(words, lines[0]["message"]), lines[0]
    assert (lines[0]["index"], lines[0]["of"], lines[0]["build"]["total"]) == (3, 3, 1)
    assert lines[0]["seconds"] > 2, "what passes at once is no news"


def _is_polite(port: int) -> None:
    """Nobody who asks keeps others waiting for long, or gets more than he asked for."""
    with socket.create_connection(("127.0.0.1", port)):  # says nothing
        assert _talk(port, say=b"POST / HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.0 405 ")
    with socket.create_connection(("::1", port), 5) as connection:
        connection.sendall(b"GET " + b"x" * 100_000)


def test_on_a_terminal_it_is_one_line_below_the_others_and_gone_at_the_end(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one").revision("two", 'op.execute("select pg_sleep(300)")')
    ours, theirs = pty.openpty()
    environment = {**base_environment(), "APP_URL": database.url("psycopg2"), "TERM": "xterm"}
    command = [sys.executable, str(runner.pyz), "upgrade", "--result", str(runner.scratch / "result")]
    with subprocess.Popen(command, cwd=any_project.folder, env=environment, stderr=theirs, stdout=theirs) as process:
        os.close(theirs)
        bar = rb"\r\x1b\[K\[#{10}\.{10}\] revision 2 of 2, two, for \d+ s: select pg_s"
        shown = _read_until(ours, lambda said: re.search(bar, said) is not None)
        process.send_signal(signal.SIGTERM)
        shown += _read_until(ours, lambda _: False)
        assert process.wait(30) == 143
    assert b'"event": "running"' not in shown
    lines = shown.replace(b"\r\n", b"\n").split(b"\n")
    (ended,) = (one for one in lines if b'"event": "ended"' in one)
    assert json.loads(ended.rpartition(b"\x1b[K")[2])["reason"] == "Interrupted"
    assert shown.rpartition(b"\x1b[K")[2].strip() == b"" or shown.endswith(b"}\r\n"), shown[-200:]


def _read_until(terminal: int, is_enough: Any) -> bytes:
    found, end = b"", time.monotonic() + 60
    while not is_enough(found):
        assert time.monotonic() < end, found
        try:
            found += os.read(terminal, 4096)
        except OSError:  # nobody has it any more
            break
    return found


SLOW = """
create table counted (id int);
insert into counted select generate_series(1, 300);
create function slow(int) returns int immutable language sql as 'select $1 from pg_sleep(0.01)';
"""
COMMANDS = {
    "CREATE INDEX": ("create index on counted (slow(id))", "building index"),
    "ANALYZE": ("analyze counted", "computing extended statistics|computing statistics"),
    "CLUSTER": ("cluster counted using by_slow", "rebuilding index"),
    "VACUUM": ("vacuum counted", "scanning heap"),
    "COPY FROM": ("copy counted (id) from program 'for i in 1 2 3 4 5 6 7 8 9; do echo $i; sleep 1; done'", ""),
}


def test_every_command_that_postgresql_counts_is_seen(database: Database) -> None:
    database.rows(SLOW + "create index by_slow on counted (slow(id))")
    where = Address(database.host, str(database.port), database.user, database.password, database.name)
    origin = direct.origin(where, "")
    assert origin
    builds = Builds(origin.open())
    for command, (sql, phase) in COMMANDS.items():
        with database.connect() as connection:
            connection.execute("set vacuum_cost_delay = 100; set vacuum_cost_limit = 1")
            pid = connection.info.backend_pid
            assert builds.look(pid) is None
            thread = threading.Thread(target=_run, args=(connection, sql))
            thread.start()
            found = until(lambda: (one := builds.look(pid)) and re.match(phase, one.phase) and one, 20, command)  # noqa: B023
            connection.cancel()
            thread.join()
        assert found.command == command
        assert found.done >= 0


def _run(connection: psycopg.Connection[Any], sql: str) -> None:
    try:
        connection.execute(sql.encode())
    except psycopg.errors.QueryCanceled:
        return
