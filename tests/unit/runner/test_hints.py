"""The lines of the table of hints that need no server: each with the error that it is for, and what it then says.

Python's and the libraries' errors are raised for once; what is written down as text is quoted from public reports.
"""

from __future__ import annotations

import importlib
import sqlite3
from configparser import ConfigParser
from logging.config import fileConfig
from typing import TYPE_CHECKING, Any

import asyncpg
import psycopg
import pydantic
import pytest
import sqlalchemy
from alembic import op
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import QueuePool

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.failures import Scene, classify
from alembic_operator.runner.process.hints.table import LINES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RUNNING = Scene("ab12", server="db:5432/shop")
UNDOING = Scene("ab12", undoing=True)
OUTSIDE = Scene()


def _server(code: str, message: str) -> Any:
    """Return an error as psycopg gives it to SQLAlchemy."""
    error: Any = psycopg.Error(message)
    error.sqlstate = code
    return sqlalchemy.exc.ProgrammingError("select 1", {}, error)


def _raised(run: Callable[[], Any]) -> BaseException:
    with pytest.raises(BaseException) as caught:  # noqa: PT011  whatever it is
        run()
    return caught.value


def _interpolated(password: str) -> str:
    parser = ConfigParser()
    parser.read_string(f"[alembic]\nsqlalchemy.url = postgresql://app:{password}@db/shop\n")
    return parser.get("alembic", "sqlalchemy.url")


def _empty_pool() -> None:
    pool = QueuePool(lambda: sqlite3.connect(":memory:"), pool_size=1, max_overflow=0, timeout=0.01)
    first = pool.connect()
    try:
        pool.connect()
    finally:
        first.close()
        pool.dispose()


class Settings(pydantic.BaseModel):
    """An application's, as pydantic-settings makes them."""

    database_url: str
    db_port: int = 5432


class NoSuchOptError(Exception):
    """oslo.config's."""


class MissingGreenlet(Exception):  # noqa: N818
    """SQLAlchemy's."""


CASES: dict[str, tuple[BaseException, Scene]] = {
    "a name that does not resolve": (
        psycopg.OperationalError('could not translate host name "db" to address: Name or service not known'),
        OUTSIDE,
    ),
    "a certificate that is not trusted": (
        psycopg.OperationalError("connection failed: SSL error: certificate verify failed"),
        OUTSIDE,
    ),
    "a host that the server does not admit": (
        psycopg.OperationalError(
            'FATAL: no pg_hba.conf entry for host "10.0.0.1", user "a", database "b", no encryption'
        ),
        OUTSIDE,
    ),
    "an option that the driver does not know": (_raised(lambda: asyncpg.connect(sslmode="require")), OUTSIDE),
    "too many locks": (
        _server("53200", "out of shared memory\nHINT:  You might need to increase max_locks_per_transaction."),
        RUNNING,
    ),
    "a small /dev/shm": (
        _server("53100", 'could not resize shared memory segment "/PostgreSQL.1" to 1 bytes: No space left on device'),
        RUNNING,
    ),
    "a prepared statement of another session": (
        _server("42P05", 'prepared statement "__asyncpg_stmt_1__" already exists'),
        RUNNING,
    ),
    "a connection past SQLAlchemy": (
        psycopg.OperationalError('connection to server at "127.0.0.1", port 5432 failed: Connection refused'),
        RUNNING,
    ),
    "extension must be loaded first": (
        _server("55000", "pg_cron can only be loaded via shared_preload_libraries"),
        RUNNING,
    ),
    "extension is not allowed by the provider": (
        _server("0A000", 'extension "vector" is not allow-listed for users in Azure Database for PostgreSQL'),
        RUNNING,
    ),
    "extension needs another one": (_server("42704", 'required extension "cube" is not installed'), RUNNING),
    "a driver is not installed": (_raised(lambda: sqlalchemy.create_engine("postgresql+psycopg2cffi://db")), OUTSIDE),
    "libpq is missing": (
        ImportError("libpq.so.5: cannot open shared object file: No such file or directory"),
        OUTSIDE,
    ),
    "greenlet is missing": (ValueError("the greenlet library is required to use this function."), OUTSIDE),
    "a module is not found": (_raised(lambda: importlib.import_module("application.models")), OUTSIDE),
    "an operation outside of its function": (_raised(lambda: op.execute("select 1")), OUTSIDE),
    "a pool that is empty": (_raised(_empty_pool), OUTSIDE),
    "a name that is not imported": (_raised(lambda: eval("sqlmodel.sql")), RUNNING),
    "a file has an error of syntax": (_raised(lambda: compile("def (", "a.py", "exec")), OUTSIDE),
    "a file may not be read": (PermissionError(13, "Permission denied", "/app/env.py"), OUTSIDE),
    "SQLAlchemy 2 took it away": (AttributeError("'Engine' object has no attribute 'execute'"), RUNNING),
    "the target as a list": (_raised(lambda: ("head",).split(",")), OUTSIDE),  # type: ignore[attr-defined]
    "an option of oslo.config": (NoSuchOptError("no such option database in group [DEFAULT]"), OUTSIDE),
    "a name that the ini file does not know": (_raised(lambda: _interpolated("%(DB_PASSWORD)s")), OUTSIDE),
    "a percent sign in an ini file": (_raised(lambda: _interpolated("a%40b")), OUTSIDE),
    "the URL of the template": (
        _raised(lambda: sqlalchemy.create_engine("driver://user:pass@localhost/dbname")),
        OUTSIDE,
    ),
    "an option that the ini file lacks": (
        _raised(lambda: sqlalchemy.engine_from_config({}, "sqlalchemy.")),
        OUTSIDE,
    ),
    "postgres:// as a name": (_raised(lambda: sqlalchemy.create_engine("postgres://db/shop")), OUTSIDE),
    "a port that is a URL": (_raised(lambda: int("tcp://10.96.0.7:5432")), OUTSIDE),
    "an asynchronous driver in a synchronous engine": (MissingGreenlet("greenlet_spawn has not"), OUTSIDE),
    "a synchronous driver in an asynchronous engine": (
        _raised(lambda: create_async_engine("postgresql+psycopg2://d")),
        OUTSIDE,
    ),
    "settings that lack a value": (_raised(lambda: Settings.model_validate({})), OUTSIDE),
    "a variable of the environment is missing": (_raised(lambda: dict[str, str]()["APP_SECRET"]), OUTSIDE),
    "the version table drops what is written": (
        CommandError(
            "Online migration expected to match one row when updating 'a' to 'b' in 'alembic_version'; 0 found"
        ),
        RUNNING,
    ),
    "a table is locked": (_server("55P03", "canceling statement due to lock timeout"), RUNNING),
    "a conflict": (_server("40P01", "deadlock detected"), RUNNING),
    "an unreachable server": (psycopg.OperationalError("connection timeout expired"), OUTSIDE),
    "a server without room": (_server("53300", "sorry, too many clients already"), OUTSIDE),
    "a missing role": (_server("22023", 'role "owner" does not exist'), OUTSIDE),
    "a pooler": (_server("08P01", "unsupported startup parameter: options"), OUTSIDE),
    "a timeout of somebody else's": (
        _server("25P03", "terminating connection due to idle-in-transaction timeout"),
        RUNNING,
    ),
    "an env.py that fails": (ValueError("wrong"), OUTSIDE),
    "a downgrade() that fails": (ValueError("wrong"), UNDOING),
    "a revision that fails": (ValueError("wrong"), RUNNING),
}
"""By the names of the lines; tests/runner/test_hints.py has the others."""
OF_FILES = ("logging is not configured", "the scripts have several lines", "a file that cannot be loaded")
"""Those have tests of their own."""


@pytest.mark.parametrize("name", list(CASES))
def test_an_error_that_people_know_has_the_hint_that_they_would_give(name: str) -> None:
    assert classify(*CASES[name]).failure.hint == LINES[name].hint


@pytest.mark.parametrize("before", ["", "[alembic]\n"])
def test_a_configuration_without_logging_is_told(tmp_path: Path, before: str) -> None:
    ini = tmp_path / "alembic.ini"
    ini.write_text(f"{before}[other]\na = b\n")
    hint = classify(_raised(lambda: fileConfig(ini)), OUTSIDE).failure.hint
    assert hint == LINES["logging is not configured"].hint


def test_scripts_with_several_heads_are_told_as_alembic_tells_them(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    for name in ("one", "two"):
        (tmp_path / "versions" / f"{name}.py").write_text(f"revision = {name!r}\ndown_revision = None\n")
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    hint = classify(_raised(ScriptDirectory.from_config(config).get_current_head), OUTSIDE).failure.hint
    assert hint == LINES["the scripts have several lines"].hint


def test_a_file_that_cannot_be_loaded_is_told_where_nothing_more_is_known(tmp_path: Path) -> None:
    (tmp_path / "versions").mkdir()
    (tmp_path / "versions" / "one.py").write_text("revision = 'one'\nraise ValueError('wrong')\n")
    config = Config()
    config.set_main_option("script_location", str(tmp_path))
    verdict = classify(_raised(ScriptDirectory.from_config(config).get_heads), OUTSIDE)
    assert verdict.failure.hint == LINES["a file that cannot be loaded"].hint


@pytest.mark.parametrize(
    ("error", "scene", "name"),
    [
        (_server("0A000", "cannot use subquery in check constraint"), RUNNING, "a revision that fails"),
        (psycopg.errors.SyntaxError('syntax error at or near "FORM"'), RUNNING, "a revision that fails"),
        (_raised(lambda: "a" + 1), OUTSIDE, "an env.py that fails"),  # type: ignore[operator]
        (_raised(lambda: "a" + ("head",)), OUTSIDE, "the target as a list"),  # type: ignore[operator]
        (_server("42P07", 'relation "t" already exists'), UNDOING, "a downgrade() that finds something else"),
        (KeyError("status"), RUNNING, "a revision that fails"),
        (KeyError("connection"), OUTSIDE, "an env.py that fails"),
        (OSError(111, "Connect call failed ('127.0.0.1', 5432)"), OUTSIDE, "localhost"),
        (_raised(lambda: Settings.model_validate({"db_port": "tcp://1:2"})), OUTSIDE, "a port that is a URL"),
        (KeyError("sqlalchemy.url"), OUTSIDE, "an option that the ini file lacks"),
        (_server("22001", "value too long for type character varying(32)"), RUNNING, "a revision that fails"),
        (_raised(lambda: sqlalchemy.create_engine("postgresql+none://db")), OUTSIDE, "a driver is not installed"),
    ],
)
def test_the_first_line_that_fits_counts(error: BaseException, scene: Scene, name: str) -> None:
    assert classify(error, scene).failure.hint == LINES[name].hint


def test_an_env_py_that_lacks_a_module_did_not_lack_alembic() -> None:
    assert classify(ModuleNotFoundError("No module named 'app'"), OUTSIDE).reason is Reason.ENV_FAILED


def test_what_the_session_itself_uses_is_no_conflict_that_time_would_end() -> None:
    waiting = _server("55006", 'cannot ALTER TABLE "t" because it has pending trigger events')
    others = _server("55006", 'database "shop" is being accessed by other users')
    assert (classify(waiting, RUNNING).reason, classify(others, RUNNING).reason) == (
        Reason.REVISION_FAILED,
        Reason.CONFLICT,
    )


def test_a_hint_is_short() -> None:
    assert {name: len(line.hint) for name, line in LINES.items() if len(line.hint) > 330} == {}
