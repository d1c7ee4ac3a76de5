"""Connections that fail, and connections that are redirected."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest

from tests.runner.server import PASSWORD, free_port, until

if TYPE_CHECKING:
    from tests.runner.project import Process, Project, Run, Runner
    from tests.runner.server import Database

pytestmark = pytest.mark.every_driver

NOWHERE = "127.0.0.1:1/nowhere"


def _elsewhere(driver: str) -> str:
    return f"postgresql+{driver}://nobody:wrong@{NOWHERE}"


def _failed(run: Run, code: int, reason: str) -> str:
    assert (run.code, run.result.reason) == (code, reason), run.stderr
    assert run.result.error
    assert run.result.error.hint
    return run.result.error.message


def _waits(process: Process) -> str:
    """Return what it waits for: it goes on trying, and what it ends with is the same for every cause."""
    return str(until(lambda: process.said("waiting for the database"))[0]["message"])


def test_a_wrong_password_is_an_authentication_failure(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    environment = {**database.environment(), "PGPASSWORD": "wrong"}
    run = runner.run(project, "upgrade", "--database", "environment", APP_URL=_elsewhere(project.driver), **environment)
    message = _failed(run, 77, "AuthenticationFailed")
    assert "password authentication failed" in message
    assert f"{database.host}:{database.port}" in message


def test_a_wrong_password_of_env_py_is_an_authentication_failure_too(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    url = f"postgresql+{project.driver}://{database.user}:wrong@{database.host}:{database.port}/{database.name}"
    _failed(runner.run(project, "upgrade", APP_URL=url), 77, "AuthenticationFailed")


def test_an_unknown_user_is_an_authentication_failure(any_project: Project, runner: Runner, database: Database) -> None:
    any_project.begin().table("one")
    url = f"postgresql+psycopg2://nobody:wrong@{database.host}:{database.port}/{database.name}"
    _failed(runner.run(any_project, "upgrade", APP_URL=url), 77, "AuthenticationFailed")


def test_a_missing_database_is_said_so(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    message = _failed(
        runner.run(project, "upgrade", APP_URL=database.named("missing").url(project.driver)), 77, "DatabaseNotFound"
    )
    assert 'database "missing" does not exist' in message


def test_a_database_that_takes_no_connections_just_now_is_tried_again(
    project: Project, runner: Runner, database: Database, postgresql: Database
) -> None:
    project.begin().table("one")
    postgresql.rows(f"alter database {database.name} allow_connections false")
    process = runner.start(project, "upgrade", APP_URL=database.url(project.driver))
    message = _waits(process)
    assert (f"{database.host}:{database.port}" in message, "not currently accepting" in message) == (True, True)
    postgresql.rows(f"alter database {database.name} allow_connections true")
    assert process.finish().code == 0


def test_a_socket_that_is_not_there_yet_is_waited_for(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    environment = {**database.environment(), "PGHOST": str(project.folder)}
    given = ("upgrade", "--database", "environment")
    process = runner.start(project, *given, APP_URL=_elsewhere(project.driver), **environment)
    assert str(project.folder) in _waits(process)


def test_an_unknown_host_is_waited_for_and_named(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    environment = {**database.environment(), "PGHOST": "no-such-host.invalid"}
    given = ("upgrade", "--database", "environment")
    process = runner.start(project, *given, APP_URL=_elsewhere(project.driver), **environment)
    assert f"no-such-host.invalid:{database.port}" in _waits(process)


def test_a_refused_connection_is_tried_for_some_seconds_and_heals(
    project: Project, runner: Runner, database: Database
) -> None:
    project.begin().table("one")
    port = free_port()
    environment = {**database.environment(), "PGPORT": str(port)}
    words = ("upgrade", "--database", "environment")
    process = runner.start(project, *words, APP_URL=_elsewhere(project.driver), **environment)
    assert f"127.0.0.1:{port}" in _waits(process)
    with _forwarded(port, database):
        run = process.finish()
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_refused_connection_is_unreachable_in_the_end(
    any_project: Project, runner: Runner, database: Database
) -> None:
    any_project.begin().table("one")
    port = free_port()
    environment = {**database.environment(), "PGPORT": str(port)}
    run = runner.run(any_project, "upgrade", "--database", "environment", APP_URL="postgresql://", **environment)
    assert f"127.0.0.1:{port}" in _failed(run, 75, "DatabaseUnreachable")


class _forwarded:  # noqa: N801  used like a function
    """Let a port lead to the server while the block runs."""

    def __init__(self, port: int, database: Database) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._target = (database.host, database.port)
        self._sockets: list[socket.socket] = [self._listener]

    def __enter__(self) -> None:
        threading.Thread(target=self._accept, daemon=True).start()

    def __exit__(self, *_: object) -> None:
        for one in self._sockets:
            one.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._sockets += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(source, sink), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while chunk := source.recv(65536):
            sink.sendall(chunk)
    except OSError:
        return
    finally:
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(
                    socket.SHUT_RDWR
                )  # not close(): the other thread would read from the next one of its number


@pytest.mark.parametrize("form", ["names", "url", "raw url"])
def test_a_password_with_every_special_character_reaches_the_server(
    project: Project, runner: Runner, database: Database, form: str
) -> None:
    project.begin().table("one")
    encoded = {"url": quote(PASSWORD, safe=""), "raw url": PASSWORD.replace("%", "%25")}.get(form)
    url = f"postgres://{database.user}:{encoded}@{database.host}:{database.port}/{database.name}"
    environment = database.environment() if form == "names" else {"DATABASE_URL": url}
    run = runner.run(project, "upgrade", "--database", "environment", APP_URL=_elsewhere(project.driver), **environment)
    assert (run.code, database.heads()) == (0, ["one"]), run.stderr


def test_a_url_may_name_a_driver(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    run = runner.run(
        project,
        "upgrade",
        "--database",
        "environment",
        APP_URL=_elsewhere(project.driver),
        DATABASE_URL=database.url("asyncpg"),
    )
    assert run.code == 0, run.stderr


def test_only_what_is_given_is_rewritten(project: Project, runner: Runner, database: Database) -> None:
    project.begin().table("one")
    url = f"postgresql+{project.driver}://{database.user}:{quote(PASSWORD, safe='')}@127.0.0.1:1/{database.name}"
    run = runner.run(
        project, "upgrade", "--database", "environment", APP_URL=url, PGHOST=database.host, PGPORT=str(database.port)
    )
    assert run.code == 0, run.stderr


def test_a_database_that_is_not_postgresql_is_refused(any_project: Project, runner: Runner) -> None:
    any_project.begin().table("one")
    _failed(runner.run(any_project, "upgrade", APP_URL="sqlite:///fallback.db"), 64, "NotPostgreSQL")


def test_a_url_for_another_kind_of_server_is_refused(any_project: Project, runner: Runner) -> None:
    any_project.begin().table("one")
    run = runner.run(
        any_project, "upgrade", "--database", "environment", APP_URL="sqlite://", DATABASE_URL="mysql://u:geheim@h/db"
    )
    assert "geheim" not in _failed(run, 64, "NotPostgreSQL")


def test_an_empty_environment_is_refused(any_project: Project, runner: Runner) -> None:
    any_project.begin().table("one")
    _failed(runner.run(any_project, "upgrade", "--database", "environment", APP_URL="sqlite://"), 64, "ConfigInvalid")


def test_every_migration_connection_is_set_up(project: Project, runner: Runner, database: Database) -> None:
    project.begin().revision(
        "one",
        """
        names = ("application_name", "lock_timeout", "statement_timeout", "tcp_keepalives_idle",
                 "tcp_keepalives_interval", "tcp_keepalives_count", "tcp_user_timeout",
                 "client_connection_check_interval", "idle_in_transaction_session_timeout", "idle_session_timeout")
        for name in names:
            op.execute(f"create table {name} as select current_setting('{name}') as value")
        """,
    )
    run = runner.run(
        project, "upgrade", "--lock-timeout", "700ms", "--statement-timeout", "1m", APP_URL=database.url(project.driver)
    )
    assert run.code == 0, run.stderr
    assert database.value("select value from application_name").startswith("alembic-operator/")
    assert database.value("select value from lock_timeout") == "700ms"
    assert database.value("select value from statement_timeout") == "1min"
    tcp = [database.value(f"select value from tcp_{name}") for name in TCP_SETTINGS]
    assert tcp == ["5", "2", "2", "9000"]
    assert database.value("select value from client_connection_check_interval") == "1s"
    for name in ("idle_in_transaction_session_timeout", "idle_session_timeout"):
        assert database.value(f"select value from {name}") == "1h", "as long as the run may take"


TCP_SETTINGS = ("keepalives_idle", "keepalives_interval", "keepalives_count", "user_timeout")


def test_what_the_database_bounds_closer_stays_so(any_project: Project, runner: Runner, database: Database) -> None:
    for name, value in (("idle_in_transaction_session_timeout", "5min"), ("tcp_user_timeout", "4s")):
        database.rows(f"alter database {database.name} set {name} = '{value}'")
    any_project.begin().revision(
        "one",
        """
        for name in ("idle_in_transaction_session_timeout", "tcp_user_timeout", "tcp_keepalives_idle"):
            op.execute(f"create table {name} as select current_setting('{name}') as value")
        """,
    )
    run = runner.run(any_project, "upgrade", "--deadline", "1000h", APP_URL=database.url("psycopg2"))
    assert run.code == 0, run.stderr
    assert database.value("select value from idle_in_transaction_session_timeout") == "5min"
    assert database.value("select value from tcp_user_timeout") == "4000"
    assert database.value("select value from tcp_keepalives_idle") == "5"
