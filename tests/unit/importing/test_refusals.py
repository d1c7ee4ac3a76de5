"""What ends a session with PostgreSQL: whether it passes, and by which reason a status tells it."""

import asyncpg
import pytest

from alembic_operator.api.reasons import Effect, Reason
from alembic_operator.importing.facts.failures import TryAgain
from alembic_operator.importing.postgres import refusals

PASSING = {
    asyncpg.LockNotAvailableError: "LockTimeout",
    asyncpg.DeadlockDetectedError: "Conflict",
    asyncpg.TooManyConnectionsError: "ResourcesExhausted",
    asyncpg.DiskFullError: "ResourcesExhausted",
    asyncpg.AdminShutdownError: "DatabaseUnreachable",
    asyncpg.CannotConnectNowError: "DatabaseUnreachable",
    asyncpg.ConnectionDoesNotExistError: "DatabaseUnreachable",
    asyncpg.InterfaceError: "DatabaseUnreachable",
    ConnectionResetError: "DatabaseUnreachable",
}
KEEPING_OUT = {
    asyncpg.InvalidPasswordError: "AuthenticationFailed",
    asyncpg.InvalidCatalogNameError: "DatabaseNotFound",
    asyncpg.InsufficientPrivilegeError: "PermissionDenied",
    asyncpg.InvalidParameterValueError: "RoleNotFound",
}


@pytest.mark.parametrize(("error", "reason"), PASSING.items())
def test_what_passes_is_tried_again_and_named(error: type[Exception], reason: str) -> None:
    found = refusals.refused(error("x"))
    assert isinstance(found, TryAgain)
    assert found.reason == reason


@pytest.mark.parametrize(("error", "reason"), KEEPING_OUT.items())
def test_what_keeps_a_session_out_is_named(error: type[Exception], reason: str) -> None:
    assert refusals.reason(error("x")) == reason


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError, asyncpg.UndefinedTableError])
def test_what_rows_and_tables_are_like_does_not_pass(error: type[Exception]) -> None:
    assert not isinstance(refusals.refused(error("x")), TryAgain)
    assert refusals.reason(error("x")) == ""


def test_each_of_these_is_a_reason_that_time_can_heal() -> None:
    for one in (*PASSING.values(), *KEEPING_OUT.values()):
        assert next(known for known in Reason if known == one).effect is Effect.RECONCILING
