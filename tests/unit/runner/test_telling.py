"""What the log says of an error."""

from __future__ import annotations

import psycopg
import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError

from alembic_operator.runner.process.failures import Scene, classify
from alembic_operator.runner.process.masking import without_values
from alembic_operator.runner.process.telling import trace

KEY_EXISTS = (
    'duplicate key value violates unique constraint "account_pkey"\n'
    "DETAIL:  Key (email)=(jane@example.org\nwith a second line) already exists.\n"
    "HINT:  Choose another.\n"
    "CONTEXT:  SQL statement \"insert into account values ('jane@example.org')\"\n"
    "PL/pgSQL function copy() line 3 at SQL statement\n"
    'COPY account, line 1, column email: "jane@example.org"'
)


def _raised(error: BaseException, cause: BaseException | None = None) -> str:
    with pytest.raises(type(error)) as caught:
        raise error from cause
    told = trace(caught.value)
    return told["error"] + "\n" + told["traceback"]


def _integrity() -> IntegrityError:
    statement = "insert into account values (%(email)s, 'jane@example.org')"
    return IntegrityError(statement, {"email": "jane@example.org"}, psycopg.errors.UniqueViolation(KEY_EXISTS))


@pytest.mark.parametrize(
    "error", [psycopg.errors.UniqueViolation(KEY_EXISTS), _integrity(), RuntimeError(f"seeding failed: {_integrity()}")]
)
def test_a_traceback_holds_no_value_of_a_row(error: BaseException) -> None:
    text = _raised(error, getattr(error, "orig", None) or _integrity())
    assert "jane@" not in text
    assert "second line" not in text
    for useful in ("account_pkey", "HINT:  Choose another.", "PL/pgSQL function copy() line 3", __file__):
        assert useful in text


def test_a_traceback_keeps_the_statement_with_its_literals_masked() -> None:
    assert "[SQL: insert into account values (%(email)s, ?)]" in _raised(_integrity())


def test_an_error_of_python_is_told_whole() -> None:
    assert "ValueError: first\nDETAIL: second" in _raised(ValueError("first\nDETAIL: second"))


@pytest.mark.parametrize(
    ("line", "without"),
    [
        ('invalid input syntax for type integer: "jane"', "invalid input syntax for type integer: ?"),
        ('invalid input value for enum mood: "ja"ne"', "invalid input value for enum mood: ?"),
        ('value "jane" is out of range for type integer', 'value "?" is out of range for type integer'),
        (
            "invalid input for query argument $1: 'jane' ('str' object cannot be interpreted as an integer)",
            "invalid input for query argument $1: ? ('str' object cannot be interpreted as an integer)",
        ),
        ('date/time field value out of range: "jane"', "date/time field value out of range: ?"),
        ('malformed array literal: "jane"', "malformed array literal: ?"),
        ('invalid value "jane" for "YYYY"', 'invalid value "?" for "YYYY"'),
        ('invalid inet value: "jane"', "invalid inet value: ?"),
        ('column "name" does not exist', 'column "name" does not exist'),
        ('syntax error at or near "insort"', 'syntax error at or near "insort"'),
    ],
)
def test_a_value_that_was_not_understood_is_not_repeated(line: str, without: str) -> None:
    assert without_values(line) == without
    error = DBAPIError("select 1", None, psycopg.Error(line))
    assert classify(error, Scene(revision="ab12")).failure.message == without
    assert ("jane" in _raised(error)) is ("jane" in without)
