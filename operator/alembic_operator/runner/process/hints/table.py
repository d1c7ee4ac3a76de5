"""The table of hints as a whole: the first line that fits an error says what to do about it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic_operator.runner.process.causes import chain, words
from alembic_operator.runner.process.hints import (
    connection,
    general,
    objects,
    project,
    rights,
    statements,
    version_table,
)
from alembic_operator.runner.process.hints.line import Case

if TYPE_CHECKING:
    from alembic_operator.api.reasons import Reason

LINES = {
    **version_table.LINES,
    **connection.LINES,
    **rights.LINES,
    **objects.LINES,
    **statements.LINES,
    **project.LINES,
    **general.LINES,
}
"""By the name of the case that proves each: tests/runner/test_hints.py, tests/unit/runner/test_hints.py."""
_READ = 2_000
"""Characters of an error's words: SQLAlchemy puts the whole statement behind them."""


def of(error: BaseException, reason: Reason, sqlstate: str, place: str = "") -> str:
    """Return what to do about an error that ends a run for a reason."""
    text = "\n".join(f"{type(one).__name__}: {words(one)[:_READ]}" for one in chain(error))
    return hint(Case(reason, sqlstate, text, place))


def hint(case: Case) -> str:
    """Return what the first line says that fits; empty: none does."""
    return next((line.hint for line in LINES.values() if line.fits(case)), "")
