"""Each line of the table of hints: the error that it is for, and what it then says."""

from __future__ import annotations

from configparser import ConfigParser, NoSectionError
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import sqlalchemy
from alembic.util import CommandError

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.process.advice import LINES
from alembic_operator.runner.process.failures import Scene, classify

if TYPE_CHECKING:
    from collections.abc import Callable

RUNNING = Scene("ab12", server="db:5432/shop")
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


def _interpolated() -> str:
    parser = ConfigParser()
    parser.read_string("[alembic]\nsqlalchemy.url = postgresql://app:a%40b@db/shop\n")
    return parser.get("alembic", "sqlalchemy.url")


class NoSuchOptError(Exception):
    """oslo.config's."""


class MissingGreenlet(Exception):  # noqa: N818
    """SQLAlchemy's."""


CASES: dict[str, tuple[BaseException, Scene, str]] = {
    "extension is not on the server": (
        _server("0A000", 'extension "vector" is not available'),
        RUNNING,
        "install its package",
    ),
    "extension must be loaded first": (
        _server("55000", "pg_cron can only be loaded via shared_preload_libraries"),
        RUNNING,
        "restart the server",
    ),
    "extension is not allowed by the provider": (
        _server("0A000", 'extension "vector" is not allow-listed for users in Azure Database for PostgreSQL'),
        RUNNING,
        "provider",
    ),
    "extension needs more rights": (
        _server("42501", 'permission denied to create extension "postgis"'),
        RUNNING,
        "administrator",
    ),
    "a type or function of an extension": (
        _server("42883", "function uuid_generate_v4() does not exist"),
        RUNNING,
        "CREATE EXTENSION",
    ),
    "a view needs the column": (
        _server("2BP01", "cannot drop column a of table t because other objects depend on it"),
        RUNNING,
        "Other objects need it",
    ),
    "a column gets NOT NULL over rows": (
        _server("23502", 'column "a" of relation "t" contains null values'),
        RUNNING,
        "server_default",
    ),
    "rows break the new constraint": (
        _server("23505", 'could not create unique index "one_per_day"'),
        RUNNING,
        "correct them",
    ),
    "rows have no parent": (
        _server("23503", 'insert or update on table "a" violates foreign key constraint "fk"'),
        RUNNING,
        "not there",
    ),
    "value is too long for version_num": (
        _server("22001", "value too long for type character varying(32)"),
        RUNNING,
        "shorter name",
    ),
    "a module is not installed": (ModuleNotFoundError("No module named 'app'"), OUTSIDE, "Install the module"),
    "a file has an error of syntax": (
        _raised(lambda: compile("def (", "a.py", "exec")),
        OUTSIDE,
        "cannot read that line",
    ),
    "a file may not be read": (PermissionError(13, "Permission denied", "/app/env.py"), OUTSIDE, "rights"),
    "the scripts have several lines": (
        CommandError("The script directory has multiple heads (due to branching).Please use get_heads()"),
        OUTSIDE,
        "BRANCH@head",
    ),
    "the target as a list": (AttributeError("'tuple' object has no attribute 'split'"), OUTSIDE, "`head`"),
    "an option of oslo.config": (NoSuchOptError("no such option database in group [DEFAULT]"), OUTSIDE, "own command"),
    "a percent sign in an ini file": (_raised(_interpolated), OUTSIDE, "%%"),
    "logging is not configured": (KeyError("formatters"), OUTSIDE, "[loggers]"),
    "an option that the ini file lacks": (NoSectionError("database"), OUTSIDE, "spec.database"),
    "postgres:// as a name": (
        _raised(lambda: sqlalchemy.create_engine("postgres://db/shop")),
        OUTSIDE,
        "postgresql://",
    ),
    "an asynchronous driver in a synchronous engine": (
        MissingGreenlet("greenlet_spawn has not"),
        OUTSIDE,
        "synchronous",
    ),
    "a synchronous driver in an asynchronous engine": (
        _raised(
            lambda: __import__("sqlalchemy.ext.asyncio").ext.asyncio.create_async_engine("postgresql+psycopg2://d")
        ),
        OUTSIDE,
        "asynchronous",
    ),
    "a variable of the environment is missing": (KeyError("APP_SECRET"), OUTSIDE, "variable"),
}


def test_every_line_has_the_case_that_proves_it() -> None:
    assert list(CASES) == list(LINES)


@pytest.mark.parametrize("name", list(LINES))
def test_an_error_that_people_know_has_the_hint_that_they_would_give(name: str) -> None:
    error, scene, said = CASES[name]
    hint = classify(error, scene).failure.hint
    assert (hint, said in hint) == (LINES[name].hint, True)


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (_server("42601", 'syntax error at or near "insort"'), "Correct the revision"),
        (_server("0A000", "cannot use subquery in check constraint"), "Correct the revision"),
        (_server("42704", 'type "status" does not exist'), "half-applied"),
        (_server("42501", "permission denied for table users"), "Grant the right"),
        (ValueError("wrong"), "Correct the revision"),
        (KeyError("status"), "Correct the revision"),
    ],
)
def test_an_error_of_another_kind_has_not(error: Exception, hint: str) -> None:
    assert hint in classify(error, RUNNING).failure.hint


def test_an_env_py_that_lacks_a_module_did_not_lack_alembic() -> None:
    assert classify(ModuleNotFoundError("No module named 'app'"), OUTSIDE).reason is Reason.ENV_FAILED
