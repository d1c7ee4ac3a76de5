"""What an error means."""

from __future__ import annotations

import asyncio
import concurrent.futures
import errno
import socket
import sys
from typing import Any

import asyncpg
import psycopg
import pytest
from sqlalchemy.exc import DBAPIError

from alembic_operator.api.reasons import Reason
from alembic_operator.contract import ExitCode
from alembic_operator.runner.process.failures import EXIT_CODES, Ending, Scene, classify, exit_code

RUNNING = Scene(revision="ab12")


def _error(code: str, message: str = "something\nDETAIL: more") -> DBAPIError:
    class Original(psycopg.Error):
        sqlstate = code

    return DBAPIError("update t set a = 'x'", None, Original(message))


def _verdict(error: BaseException, scene: Scene = RUNNING) -> tuple[Reason, ExitCode]:
    verdict = classify(error, scene)
    return verdict.reason, verdict.code


@pytest.mark.parametrize(
    ("code", "reason", "exit_code"),
    [
        ("55P03", Reason.LOCK_TIMEOUT, 75),
        ("40P01", Reason.CONFLICT, 75),
        ("40001", Reason.CONFLICT, 75),
        ("55006", Reason.CONFLICT, 75),
        ("08006", Reason.DATABASE_UNREACHABLE, 75),
        ("57P01", Reason.DATABASE_UNREACHABLE, 75),
        ("57P02", Reason.DATABASE_UNREACHABLE, 75),
        ("57P03", Reason.DATABASE_UNREACHABLE, 75),
        ("53300", Reason.RESOURCES_EXHAUSTED, 75),
        ("53100", Reason.RESOURCES_EXHAUSTED, 75),
        ("53200", Reason.RESOURCES_EXHAUSTED, 75),
        ("25006", Reason.READ_ONLY_DATABASE, 75),
        ("28P01", Reason.AUTHENTICATION_FAILED, 77),
        ("28000", Reason.AUTHENTICATION_FAILED, 77),
        ("3D000", Reason.DATABASE_NOT_FOUND, 77),
        ("42501", Reason.PERMISSION_DENIED, 77),
        ("25P03", Reason.STATEMENT_TIMEOUT, 76),
        ("25P04", Reason.STATEMENT_TIMEOUT, 76),
        ("57P05", Reason.STATEMENT_TIMEOUT, 76),
        ("42P01", Reason.REVISION_FAILED, 70),
        ("23505", Reason.REVISION_FAILED, 70),
        ("22023", Reason.REVISION_FAILED, 70),
        ("57014", Reason.REVISION_FAILED, 70),
        ("P0001", Reason.REVISION_FAILED, 70),
    ],
)
def test_an_sqlstate_decides(code: str, reason: Reason, exit_code: int) -> None:
    assert _verdict(_error(code)) == (reason, exit_code)


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("23505", 'duplicate key value violates unique constraint "pg_extension_name_index"'),
        ("23505", "doppelter Schlüsselwert verletzt Unique-Constraint »pg_namespace_nspname_index«"),
        ("XX000", "tuple concurrently updated"),
    ],
)
def test_a_catalog_that_another_session_changed_too_is_a_conflict(code: str, message: str) -> None:
    assert _verdict(_error(code, message)) == (Reason.CONFLICT, ExitCode.TRY_AGAIN)


class _SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


class _SeveralError(Exception):
    """What ExceptionGroup is, which Python 3.10 lacks."""

    def __init__(self, *held: BaseException) -> None:
        super().__init__(f"unhandled errors in a TaskGroup ({len(held)} sub-exceptions)")
        self.exceptions = held


def test_an_error_that_cannot_say_what_it_is_is_told_by_its_name() -> None:
    verdict = classify(_SpeechlessError(), RUNNING)
    assert (verdict.reason, verdict.failure.message) == (Reason.REVISION_FAILED, "_SpeechlessError")


def test_of_a_group_of_errors_the_first_one_is_told() -> None:
    failure = classify(_SeveralError(_SeveralError(_error("42P01", "no table")), KeyError("x")), RUNNING).failure
    assert (failure.sqlstate, failure.message, failure.statement) == ("42P01", "no table", "update t set a = ?")


def test_an_ending_in_a_group_of_errors_stays_one() -> None:
    ending = Ending(Reason.WRONG_DATABASE, "elsewhere")
    assert _verdict(_SeveralError(ValueError("x"), ending), Scene())[0] is Reason.WRONG_DATABASE


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.EHOSTUNREACH, "No route to host"),
        OSError(errno.ENETUNREACH, "Network is unreachable"),
        OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"),
        asyncio.TimeoutError(),  # noqa: UP041  Python 3.10 has two
        concurrent.futures.TimeoutError(),
    ],
)
def test_whatever_a_socket_fails_with_is_of_the_network(error: Exception) -> None:
    assert _verdict(error, Scene(server="db:5432/app")) == (Reason.DATABASE_UNREACHABLE, ExitCode.TRY_AGAIN)


@pytest.mark.parametrize(
    ("error", "scene", "said"),
    [
        (ConnectionRefusedError("refused"), RUNNING, True),
        (psycopg.OperationalError("connection timeout expired"), RUNNING, True),
        (DBAPIError("x", None, psycopg.OperationalError("connection timeout expired")), RUNNING, False),
        (ConnectionRefusedError("refused"), Scene(), False),
    ],
)
def test_who_connects_past_sqlalchemy_in_a_revision_hears_that_nobody_leads_him(
    error: Exception, scene: Scene, *, said: bool
) -> None:
    verdict = classify(error, scene)
    assert verdict.reason is Reason.DATABASE_UNREACHABLE
    assert ("past SQLAlchemy" in verdict.failure.hint) == said


def test_a_statement_timeout_is_told_from_a_cancellation() -> None:
    error = _error("57014", "canceling statement due to statement timeout")
    assert _verdict(error) == (Reason.STATEMENT_TIMEOUT, ExitCode.TIME_LIMIT)


@pytest.mark.parametrize("code", ["25001", "55P04"])
def test_what_cannot_run_in_a_transaction_tells_the_author_what_to_write(code: str) -> None:
    assert "with op.get_context().autocommit_block()" in classify(_error(code), RUNNING).failure.hint


def test_the_failure_says_revision_sqlstate_first_line_and_masked_statement() -> None:
    failure = classify(_error("42P01", 'relation "t" does not exist\nLINE 1: ...'), RUNNING).failure
    assert failure.message == 'relation "t" does not exist'
    assert (failure.revision, failure.sqlstate, failure.statement) == ("ab12", "42P01", "update t set a = ?")
    assert failure.hint


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (
            'connection to server at "db", port 5432 failed: FATAL:  password authentication failed for user "u"',
            Reason.AUTHENTICATION_FAILED,
        ),
        ('connection failed: FATAL:  role "u" does not exist', Reason.AUTHENTICATION_FAILED),
        ('connection failed: FATAL:  no pg_hba.conf entry for host "10.0.0.1"', Reason.AUTHENTICATION_FAILED),
        ("fe_sendauth: no password supplied", Reason.AUTHENTICATION_FAILED),
        ('connection failed: FATAL:  database "d" does not exist', Reason.DATABASE_NOT_FOUND),
        ("connection failed: FATAL:  no such database: d", Reason.DATABASE_NOT_FOUND),
        ('connection failed: FATAL:  permission denied for database "d"', Reason.PERMISSION_DENIED),
        ("connection failed: FATAL:  sorry, too many clients already", Reason.RESOURCES_EXHAUSTED),
        ("connection failed: FATAL:  the database system is starting up", Reason.DATABASE_UNREACHABLE),
        ('could not translate host name "db" to address: Name or service not known', Reason.DATABASE_UNREACHABLE),
        ("failed to resolve host 'db': [Errno -2] Name or service not known", Reason.DATABASE_UNREACHABLE),
        ('connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused', Reason.DATABASE_UNREACHABLE),
        ("connection timeout expired", Reason.DATABASE_UNREACHABLE),
        ("server closed the connection unexpectedly", Reason.DATABASE_UNREACHABLE),
    ],
)
def test_libpqs_words_are_read_where_it_gives_no_sqlstate(message: str, reason: Reason) -> None:
    assert classify(psycopg.OperationalError(message), Scene(server="db:5432/d")).reason is reason


@pytest.mark.parametrize(
    "error", [ConnectionRefusedError(111, "refused"), socket.gaierror(-2, "unknown"), TimeoutError()]
)
def test_a_network_error_is_an_unreachable_database_and_names_the_server(error: OSError) -> None:
    verdict = classify(error, Scene(server="db:5432/shop"))
    assert verdict.reason is Reason.DATABASE_UNREACHABLE
    assert "db:5432/shop" in verdict.failure.message


@pytest.mark.parametrize(
    ("error", "scene", "reason"),
    [
        (ValueError("x"), Scene(), Reason.ENV_FAILED),
        (ModuleNotFoundError("No module named 'app'"), Scene(), Reason.ENV_FAILED),
        (ImportError("cannot import name 'x'"), Scene(), Reason.ENV_FAILED),
        (SystemExit(1), Scene(), Reason.ENV_FAILED),
        (ValueError("x"), RUNNING, Reason.REVISION_FAILED),
        (ModuleNotFoundError("x"), RUNNING, Reason.REVISION_FAILED),
        (_error("22023", 'role "x" does not exist'), Scene(), Reason.ROLE_NOT_FOUND),
    ],
)
def test_where_it_happened_decides_the_rest(error: BaseException, scene: Scene, reason: Reason) -> None:
    assert classify(error, scene).reason is reason


def test_an_ending_inside_other_errors_is_found() -> None:
    ending = Ending(Reason.WRONG_DATABASE, "wrong")
    wrapped: Any = RuntimeError("outer")
    wrapped.__cause__ = ending
    assert classify(wrapped, Scene()).reason is Reason.WRONG_DATABASE


def test_a_chain_of_errors_that_bites_its_tail_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert classify(first, Scene()).reason is Reason.ENV_FAILED


@pytest.mark.parametrize("reason", list(EXIT_CODES))
def test_every_reason_of_a_result_has_an_exit_code(reason: Reason) -> None:
    assert exit_code(str(reason)) is EXIT_CODES[reason]


@pytest.mark.parametrize("code", ["26000", "42P05"])
def test_a_prepared_statement_of_somebody_elses_is_a_poolers_outside_of_revisions(code: str) -> None:
    assert _verdict(_error(code), Scene()) == (Reason.POOLED_CONNECTION, ExitCode.REFUSED)
    assert _verdict(_error(code)) == (Reason.REVISION_FAILED, ExitCode.FAILED)


@pytest.mark.parametrize("code", ["08P01", "08003"])
def test_the_words_of_a_pooler_decide_where_its_code_is_for_everything(code: str) -> None:
    error = _error(code, 'FATAL:  password authentication failed for user "u"')
    assert _verdict(error, Scene()) == (Reason.AUTHENTICATION_FAILED, ExitCode.REFUSED)


@pytest.mark.parametrize("code", ["25P03", "25P04", "57P05"])
def test_a_timeout_of_somebody_elses_is_not_blamed_on_the_policy(code: str) -> None:
    assert "the role, the database or env.py" in classify(_error(code), RUNNING).failure.hint


@pytest.mark.parametrize("code", ["42P07", "42701", "42710", "42P06"])
def test_an_object_that_exists_is_hinted_as_drift(code: str) -> None:
    assert "applied in part" in classify(_error(code), RUNNING).failure.hint


def test_what_is_gone_may_be_half_applied() -> None:
    assert "applied in part" in classify(_error("42704", 'index "by_id" does not exist'), RUNNING).failure.hint


def test_a_session_that_ends_between_two_statements_of_asyncpg_is_tried_again() -> None:
    error = asyncpg.exceptions.InternalClientError("cannot switch to state 11; another operation (2) is in progress")
    assert _verdict(error) == (Reason.DATABASE_UNREACHABLE, 75)


def test_an_error_has_its_reason_also_where_the_table_of_hints_can_no_more_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert classify(_error("55P03"), RUNNING).failure.hint
    monkeypatch.setitem(sys.modules, "alembic_operator.runner.process.hints.table", None)
    monkeypatch.delattr("alembic_operator.runner.process.hints.table")
    verdict = classify(_error("55P03"), RUNNING)
    assert (verdict.reason, verdict.failure.hint) == (Reason.LOCK_TIMEOUT, "")
