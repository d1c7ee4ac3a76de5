"""Tell an error with its traceback, without the values of rows that the server and SQLAlchemy repeat in it."""

from __future__ import annotations

import re
import traceback

from alembic_operator.runner.process import masking
from alembic_operator.runner.process.causes import chain, loading, raw, words
from alembic_operator.runner.process.failures import Ending, sqlstate

_WITHOUT_ROWS = re.compile(r"^(?:HINT: .*|(?:CONTEXT: +)?PL/pgSQL function .* line \d+ at .*)$", re.MULTILINE)
"""What follows the first line and names code only; DETAIL, COPY's CONTEXT and the parameters hold values."""
_SPEAKING = ("psycopg", "psycopg2", "asyncpg", "pg8000", "sqlalchemy")


def cause(error: BaseException) -> BaseException | None:
    """Return the error whose traceback shows what to mend; None: an Ending that says all."""
    if not isinstance(error, Ending):
        return error
    return error.__cause__ if error.__cause__ and loading(error.__cause__) else None


def trace(error: BaseException) -> dict[str, str]:
    """Return an error and its traceback for the journal."""
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    said = {raw(one): _safe(one) for one in chain(error) if _quotes_rows(one)}
    for one in sorted(said, key=len, reverse=True):  # the wrapping error contains the words of the wrapped one
        text = text.replace(one, said[one]).replace(repr(one)[1:-1], repr(said[one])[1:-1])
    return {"error": said.get(raw(error), words(error)).split("\n", 1)[0], "traceback": text}


def _quotes_rows(error: BaseException) -> bool:
    return any(kind.__module__.split(".")[0] in _SPEAKING for kind in type(error).__mro__) and bool(words(error))


def _safe(error: BaseException) -> str:
    first, *rest = words(error).splitlines() or [""]
    lines = [masking.without_values(first, sqlstate(error)), *_WITHOUT_ROWS.findall("\n".join(rest))]
    if isinstance(sql := getattr(error, "statement", None), str):
        lines.append(f"[SQL: {masking.statement(sql)}]")
    return "\n".join(lines)
