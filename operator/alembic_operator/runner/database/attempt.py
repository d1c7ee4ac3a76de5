"""What a failed attempt to connect means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.api.reasons import Reason
from alembic_operator.runner.database import refusal
from alembic_operator.runner.process import wording
from alembic_operator.runner.process.causes import words
from alembic_operator.runner.process.failures import Ending, Scene, classify, is_database_error, unreachable

if TYPE_CHECKING:
    from alembic_operator.runner.database.own import Origin

_ARGUMENTS = (
    "Correct the URL's query, connect_args or libpq's variables: psycopg takes sslmode=, asyncpg ssl=,"
    " pg8000 ssl_context=."
)
_SERVICE = (
    "Mount the service file and name it with PGSERVICEFILE (spec.jobTemplate), or take the service out of the URL or"
    " PGSERVICE: spec.database says all but its settings."
)
_MAY_PASS = ("", "55")
"""Classes of refusals that say nothing of env.py: unknown ones, and a database that takes no connections just now."""


def connect_failed(error: BaseException, origin: Origin) -> Ending:
    """Return what ends a run that cannot connect."""
    scene = Scene(server=origin.place)
    verdict = classify(error, scene)
    if is_database_error(error):
        silent = origin.driver != "asyncpg" and not verdict.failure.sqlstate  # asyncpg repeats every code
        if silent and not wording.is_of_network(words(error)):
            verdict = classify(refusal.why(origin.arguments) or error, scene)
        may_pass = verdict.failure.sqlstate[:2] in _MAY_PASS
    else:
        may_pass = isinstance(error, OSError)  # a socket's file that is missing, a certificate
    if verdict.reason is Reason.ENV_FAILED and _is_of_arguments(error):
        hint = _SERVICE if wording.is_of_a_service(words(error)) else _ARGUMENTS
        return Ending(Reason.CONFIG_INVALID, f"the driver refuses its arguments: {verdict.failure.message}", hint)
    if may_pass and verdict.reason is Reason.ENV_FAILED:
        verdict = unreachable(verdict, scene)
    return Ending.of(verdict)


def _is_of_arguments(error: BaseException) -> bool:
    """Tell whether no server was asked, for the driver does not understand what it was given."""
    kind = type(error).__name__
    if isinstance(error, OSError):  # also a certificate that is not trusted, which is a ValueError besides
        return False
    if isinstance(error, (TypeError, ValueError)) or kind == "ClientConfigurationError":
        return True
    return (is_database_error(error) or kind == "Ending") and wording.is_of_arguments(words(error))
